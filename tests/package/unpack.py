"""The package as its users get it: made by cpack, unpacked into a folder, which the tests that need an installed onnxport take.

    unpack.py CPACK BUILD_DIR FOLDER      FOLDER/onnxport-….tar.gz and FOLDER/onnxport, what is in it
"""
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path


def main() -> None:
    cpack, build, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    done = subprocess.run([cpack, "--config", build / "CPackConfig.cmake", "-G", "TGZ", "-B", folder], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    made = list(folder.glob("*.tar.gz"))
    if len(made) != 1:
        sys.exit(f"cpack made {made}")
    shutil.rmtree(folder / "_CPack_Packages")
    with tarfile.open(made[0]) as tarball:
        members = tarball.getmembers()
        outside = [m.name for m in members if m.name.startswith("/") or ".." in Path(m.name).parts or m.uid != 0 and m.uname not in ("", "root")]
        top = {Path(m.name).parts[0] for m in members}
        if outside or len(top) != 1:
            sys.exit(f"the tarball has one folder, and nothing outside of it: {top} {outside[:5]}")
        tarball.extractall(folder)
    (folder / top.pop()).rename(folder / "onnxport")
    print(f"{made[0].name}: {made[0].stat().st_size >> 10} KiB, {len(members)} files and folders")


if __name__ == "__main__":
    main()
