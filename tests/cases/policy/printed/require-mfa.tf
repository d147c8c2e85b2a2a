variable "group" {
  type        = string
  description = "The group whose users must use MFA"
}

data "aws_iam_policy_document" "require_mfa" {
  statement {
    sid    = "AllowViewAccountInfo"
    effect = "Allow"

    actions = [
      "iam:GetAccountPasswordPolicy",
      "iam:ListVirtualMFADevices",
    ]

    resources = ["*"]
  }

  statement {
    sid    = "AllowManageOwnPasswords"
    effect = "Allow"

    actions = [
      "iam:ChangePassword",
    ]

    resources = ["arn:aws:iam::*:user/&{aws:username}"]

    condition {
      test     = "Bool"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["true"]
    }
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
    sid    = "AllowDeactivateOwnMFAOnlyWithMFA"
    effect = "Allow"

    actions = [
      "iam:DeactivateMFADevice",
    ]

    resources = ["arn:aws:iam::*:user/&{aws:username}"]

    condition {
      test     = "Bool"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["true"]
    }
  }

  statement {
    sid    = "AllowDeleteUnassignedMFAOnlyWithMFA"
    effect = "Allow"

    actions = [
      "iam:DeleteVirtualMFADevice",
    ]

    resources = ["arn:aws:iam::*:mfa/*"]

    condition {
      test     = "Bool"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["true"]
    }
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

resource "aws_iam_policy" "require_mfa" {
  name        = "RequireMFA"
  description = "Users manage their own MFA devices; without MFA, they can do nothing else"
  policy      = data.aws_iam_policy_document.require_mfa.json
}

resource "aws_iam_group_policy_attachment" "require_mfa" {
  group      = var.group
  policy_arn = aws_iam_policy.require_mfa.arn
}
