variable "group" {
  type        = string
  description = "The group that holds users without MFA"
  default     = "MFAQuarantine"
}

data "aws_iam_policy_document" "mfa_quarantine" {
  statement {
    sid    = "AllowViewAccountInfo"
    effect = "Allow"

    actions = [
      "iam:ListVirtualMFADevices",
    ]

    resources = ["*"]
  }

  statement {
    sid    = "AllowManageOwnVirtualMFADevice"
    effect = "Allow"

    actions = [
      "iam:CreateVirtualMFADevice",
    ]

    resources = ["arn:aws:iam::*:mfa/*"]
  }

  statement {
    sid    = "AllowManageOwnUserMFA"
    effect = "Allow"

    actions = [
      "iam:EnableMFADevice",
      "iam:GetMFADevice",
      "iam:GetUser",
      "iam:ListMFADevices",
      "iam:ResyncMFADevice",
    ]

    resources = ["arn:aws:iam::*:user/&{aws:username}"]
  }

  statement {
    sid    = "DenyAllExceptListedIfNoMFA"
    effect = "Deny"

    not_actions = [
      "iam:CreateVirtualMFADevice",
      "iam:EnableMFADevice",
      "iam:GetMFADevice",
      "iam:GetUser",
      "iam:ListMFADevices",
      "iam:ListVirtualMFADevices",
      "iam:ResyncMFADevice",
      "sts:GetSessionToken",
    ]

    resources = ["*"]

    condition {
      test     = "BoolIfExists"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["false"]
    }
  }

  statement {
    sid    = "DenyDevicesOfOthersIfNoMFA"
    effect = "Deny"

    actions = [
      "iam:EnableMFADevice",
      "iam:ResyncMFADevice",
    ]

    not_resources = ["arn:aws:iam::*:user/&{aws:username}"]

    condition {
      test     = "BoolIfExists"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["false"]
    }
  }
}

resource "aws_iam_policy" "mfa_quarantine" {
  name        = "MFAQuarantine"
  description = "Users without MFA can enroll a device, and do nothing else"
  policy      = data.aws_iam_policy_document.mfa_quarantine.json
}

resource "aws_iam_group" "mfa_quarantine" {
  name = var.group
}

resource "aws_iam_group_policy_attachment" "mfa_quarantine" {
  group      = aws_iam_group.mfa_quarantine.name
  policy_arn = aws_iam_policy.mfa_quarantine.arn
}
