"""A job, and odd names of its files."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from forecast_cli.scheduling import Job, TimeOfDay

ODD = (
    "/srv/two words/out.csv",
    "/srv/100%/%d/out%.csv",
    '/srv/it\'s "quoted"/$HOME/${HOME}/`id`/$(id)',
    "/srv/back\\slash\\\\two\\%d\\'end\\",
    "/srv/größe/数据/o;ut&|<>*?[a]#~!.csv",
    "/-o",
)
# A path may have any letters but those that are refused.
PATHS = st.text(st.characters(exclude_categories=["C"], exclude_characters="\n")).map("/{}".format)
MANY_SPECIAL = st.text(st.sampled_from("\\%'\"$ a;")).map("/{}".format)


def job(**changes: Any) -> Job:
    plain: dict[str, Any] = {
        "program": ("/opt/venv/bin/forecast",),
        "data": "/srv/sales.csv",
        "output": "/srv/out/forecast.csv",
        "store": "/srv/runs",
        "at": TimeOfDay(4, 10),
        "zone": "Europe/Berlin",
    }
    return Job(**{**plain, **changes})
