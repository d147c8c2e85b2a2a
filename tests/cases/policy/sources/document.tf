data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  own = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}"
}

# The policy of everybody in the group.
data "aws_iam_policy_document" "mfa" {
  statement {
    sid       = "Work"
    actions   = ["s3:*"]
    resources = ["*"]
  }

  statement {
    sid = "Enroll"
    actions = [
      "iam:CreateVirtualMFADevice",
      "iam:EnableMFADevice",
      "iam:ListMFADevices",
      "iam:ResyncMFADevice",
    ]
    resources = [
      "${local.own}:mfa/*",
      "${local.own}:user/&{aws:username}",
    ]
  }

  statement {
    sid    = "Mfa"
    effect = "Deny"
    not_actions = [
      "iam:CreateVirtualMFADevice",
      "iam:EnableMFADevice",
      "iam:ListMFADevices",
      "iam:ResyncMFADevice",
      "iam:GetUser",
      "iam:GetMFADevice",
      "iam:ListVirtualMFADevices",
      "sts:GetSessionToken",
    ]
    resources = ["*"]
    condition {
      test     = "Bool"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["false"]
    }
  }
}

resource "aws_iam_group" "staff" {
  name = "staff"
}

resource "aws_iam_policy" "mfa" {
  name   = "mfa"
  policy = data.aws_iam_policy_document.mfa.json
}

resource "aws_iam_group_policy_attachment" "mfa" {
  group      = aws_iam_group.staff.name
  policy_arn = aws_iam_policy.mfa.arn
}
