"""The folder of a new profile."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

from crmcom_kit.config_file import Refused
from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.output import open_private


def check_is_new(folder: Path, option: str) -> None:
    """Check that a folder can be made. Raises Refused, which names the option that has it."""
    if os.path.lexists(folder):
        msg = f"{option}: {folder} exists; name a new folder"
        raise Refused(msg)
    parent = folder.absolute().parent
    if not (parent.is_dir() and os.access(parent, os.W_OK)):
        msg = f"{option}: {parent} is no folder that can be written to"
        raise Refused(msg)


def write_folder(folder: Path, option: str, texts: Mapping[str, str], stop: Stop) -> None:
    """Write files, by name, into a new folder for its owner: all of them, or none.

    Raises Refused, KeyboardInterrupt.
    """
    temporary = None
    try:
        temporary = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
        for name, text in texts.items():
            with open(temporary / name, "wb", opener=open_private) as file:
                file.write(text.encode("utf-8", "replace"))
        stop.check()
        temporary.rename(folder)
    except OSError as error:
        msg = f"{option}: {folder} cannot be written: {error.strerror}"
        raise Refused(msg) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
