"""The columns of each table, and the headers by which bureaus know them. Refuses to know what a cell means: entries.py does."""

from typing import Final

from manyi.core.roster.cells import Holds
from manyi.core.roster.table import Column

_CODE, _TIME, _PHONE = Holds.code, Holds.time, Holds.phone
DATE = Column("date", "日期", ("值班日期", "day"), optional=True, holds=_TIME)

OFFICES = (
    Column("id", "编号", ("机构编号", "机构代码", "代码"), holds=_CODE),
    Column("type", "类型", ("级别", "机构类型", "机构级别", "tier")),
    Column("parent", "上级编号", ("上级", "上级机构", "上级机构编号", "所属机构"), holds=_CODE),
    Column("name", "名称", ("name_zh", "机构名称", "单位名称", "窗口名称"), holds=Holds.text),
    Column("name_en", "英文名", ("英文名称",), optional=True),
    Column(
        "telephone",
        "电话",
        ("tel", "phone", "联系电话", "办公电话", "电话号码", "手机", "手机号"),
        optional=True,
        holds=_PHONE,
    ),
)
BOXES = (
    Column("box", "评价器", ("评价器编号", "设备", "设备编号"), holds=_CODE),
    Column("window", "窗口", ("窗口编号", "安装窗口"), holds=_CODE),
    Column("from", "启用时间", ("valid_from", "开始", "开始时间", "启用日期", "安装时间"), holds=_TIME),
)
STAFF = (
    Column("staff", "工号", ("id", "人员编号", "职工编号", "员工编号"), holds=_CODE),
    Column("name", "姓名", ("name_zh", "人员姓名"), holds=Holds.person),
    Column("name_en", "英文名", ("拼音", "姓名拼音"), optional=True),
    Column("badge", "工牌", ("工牌号", "卡号", "工牌卡号"), optional=True, holds=Holds.hexes),
)
DUTY = (
    Column("staff", "工号", ("人员编号", "职工编号", "员工编号"), holds=_CODE),
    Column("window", "窗口", ("窗口编号",), holds=_CODE),
    Column("from", "开始", ("开始时间", "上岗时间", "上岗", "起始时间"), holds=_TIME),
    Column("to", "结束", ("结束时间", "离岗时间", "离岗", "截止时间"), holds=_TIME),
    DATE,
    Column("name", "姓名", ("人员姓名",), optional=True, holds=Holds.person),
    Column("role", "角色", ("AB角", "岗位角色", "A/B角"), optional=True),
)
BUSINESS = (
    Column("code", "代码", ("业务代码", "业务编号", "编号"), holds=_CODE),
    Column("name", "名称", ("name_zh", "业务名称", "业务类型", "业务"), holds=Holds.text),
    Column("name_en", "英文名", ("英文名称",), optional=True),
    Column("unit", "适用机构", ("机构编号", "机构", "县区", "大厅", "所属机构"), optional=True, holds=_CODE),
)
LEADERS = (
    Column("hall", "大厅", ("大厅编号", "服务大厅", "机构编号"), holds=_CODE),
    Column("from", "开始", ("开始时间", "值班开始", "起始时间"), holds=_TIME),
    Column("to", "结束", ("结束时间", "值班结束", "截止时间"), holds=_TIME),
    DATE,
    Column("name", "姓名", ("值班领导", "带班领导", "领导"), holds=Holds.person),
    Column(
        "telephone",
        "电话",
        ("tel", "phone", "联系电话", "手机", "手机号", "手机号码", "电话号码", "值班电话"),
        holds=_PHONE,
    ),
)

COLUMNS: Final = {
    "offices": OFFICES,
    "boxes": BOXES,
    "staff": STAFF,
    "duty": DUTY,
    "leaders": LEADERS,
    "business": BUSINESS,
}
