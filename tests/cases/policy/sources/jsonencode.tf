data "aws_caller_identity" "current" {}

resource "aws_iam_group_policy" "mfa" {
  name  = "mfa"
  group = "staff"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Work"
        Effect   = "Allow"
        Action   = "s3:*"
        Resource = "*"
      },
      {
        Sid    = "Enroll"
        Effect = "Allow"
        Action = concat(
          ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"],
          ["iam:ListMFADevices", "iam:ResyncMFADevice"],
        )
        Resource = [
          "arn:aws:iam::${data.aws_caller_identity.current.account_id}:mfa/*",
          "arn:aws:iam::${data.aws_caller_identity.current.account_id}:user/$${aws:username}",
        ]
      },
      {
        Sid    = "Mfa"
        Effect = "Deny"
        NotAction = [
          "iam:CreateVirtualMFADevice",
          "iam:EnableMFADevice",
          "iam:ListMFADevices",
          "iam:ResyncMFADevice",
          "iam:GetUser",
          "iam:GetMFADevice",
          "iam:ListVirtualMFADevices",
          "sts:GetSessionToken",
        ]
        Resource  = "*"
        Condition = { Bool = { "aws:MultiFactorAuthPresent" = "false" } }
      },
    ]
  })
}
