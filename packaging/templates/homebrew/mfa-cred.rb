class MfaCred < Formula
  desc "@DESCRIPTION@"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    on_arm do
      url "@URL:aarch64-apple-darwin.tar.gz@"
      sha256 "@SHA256:aarch64-apple-darwin.tar.gz@"
    end
    on_intel do
      url "@URL:x86_64-apple-darwin.tar.gz@"
      sha256 "@SHA256:x86_64-apple-darwin.tar.gz@"
    end
  end

  on_linux do
    on_arm do
      url "@URL:aarch64-unknown-linux-musl.tar.gz@"
      sha256 "@SHA256:aarch64-unknown-linux-musl.tar.gz@"
    end
    on_intel do
      url "@URL:x86_64-unknown-linux-musl.tar.gz@"
      sha256 "@SHA256:x86_64-unknown-linux-musl.tar.gz@"
    end
  end

  def install
    # The two programs must lie in one folder.
    bin.install "mfa-cred", "mfa-cred-main"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/mfa-cred.bash" => "mfa-cred"
    zsh_completion.install "completions/_mfa-cred"
    fish_completion.install "completions/mfa-cred.fish"
    doc.install "README.md", "CHANGELOG.md", "THIRD-PARTY-NOTICES.txt", "mfa-cred.cdx.json"
  end

  test do
    assert_equal "mfa-cred #{version}", shell_output("#{bin}/mfa-cred --version").strip
    (testpath/"config").write "[profile one]\nregion = eu-west-1\n"
    ENV["AWS_CONFIG_FILE"] = testpath/"config"
    assert_match "one", shell_output("#{bin}/mfa-cred list --names")
  end
end
