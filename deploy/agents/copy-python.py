"""Copy the Python that runs this into a folder, so that it works wherever that folder is seen. Usage: FOLDER"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

UNUSED = (
    "__pycache__", "site-packages", "dist-packages", "EXTERNALLY-MANAGED", "config-3*",
    "test", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3",
)  # fmt: skip
ORIGIN = b"$ORIGIN/../lib\0"  #: where its own library is, as the program loader reads it


def copy_python(folder: Path) -> None:
    name = f"python{sysconfig.get_python_version()}"
    program = folder / "bin" / name
    program.parent.mkdir(parents=True)
    shutil.copy2(os.path.realpath(sys.executable), program)
    unused = shutil.ignore_patterns(*UNUSED)
    shutil.copytree(sysconfig.get_path("stdlib"), folder / "lib" / name, ignore=unused)
    modules = Path(sysconfig.get_config_var("DESTSHARED"))
    shutil.copytree(modules, folder / "lib" / name / "lib-dynload", dirs_exist_ok=True)
    (folder / "lib" / name / "site-packages").mkdir()
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        _copy_library(folder, program)


def _copy_library(folder: Path, program: Path) -> None:
    place, name = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME")
    library = next(path for path in Path(place).rglob(name) if path.is_file())
    shutil.copy2(library, folder / "lib" / name)
    told = os.fsencode(place) + b"\0"
    if len(told) >= len(ORIGIN):  # else it is one of the system's folders
        program.write_bytes(program.read_bytes().replace(told, ORIGIN.ljust(len(told), b"\0")))


copy_python(Path(sys.argv[1]))
