{
  description = "AWS credentials with MFA: one code a day, for shells, SDKs, and scripts";

  # Rust as new as Cargo.toml asks for is in this branch.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      each = nixpkgs.lib.genAttrs systems;
    in
    {
      packages = each (system: rec {
        mfa-cred = nixpkgs.legacyPackages.${system}.callPackage ./package.nix { };
        default = mfa-cred;
      });
      overlays.default = final: _: { mfa-cred = final.callPackage ./package.nix { }; };
    };
}
