"""How the staff feature refuses."""

from wxbackend.core.errors import BadRequest, Conflict, InvalidInput, NotAllowed, NotFound


class SignInRefused(NotAllowed):
    """One answer for every reason, so that nobody learns which part was wrong or which accounts exist."""

    code, title = "sign-in-refused", "用户名、密码或动态码不正确；连续失败后账号会暂停登录几分钟"


class WrongTotp(NotAllowed):
    code, title = "wrong-totp", "动态码不正确或已使用过，请等待下一个动态码"


class ConfirmationNeeded(NotAllowed):
    code, title = "confirmation-needed", "该操作需要先输入动态码确认"


class LinkSpent(NotFound):
    code, title = "link-spent", "链接无效、已使用或已过期，请向系统管理员索取新链接"


class WeakPassword(InvalidInput):
    code, title = "weak-password", "密码不符合要求"


class UsernameTaken(Conflict):
    code, title = "username-taken", "该用户名已存在"


class UnknownAccount(NotFound):
    code, title = "unknown-account", "没有这个账号"


class UnknownGrant(NotFound):
    code, title = "unknown-grant", "该账号没有这个角色"


class BadScope(BadRequest):
    code, title = "bad-scope", "角色的范围须为已导入的市或县（市、区）"


class AlreadyAsked(Conflict):
    code, title = "already-asked", "该事项已提交，正在等待复核"


class AlreadyDecided(Conflict):
    code, title = "already-decided", "该事项已经复核过"


class SamePerson(NotAllowed):
    code, title = "same-person", "申请人不能复核自己的申请，请由另一位同事复核"
