"""powercut.py: the data folder as a disk would have it after the power went.

tests/preload/powercut.c copies what each sync covers into a shadow. Here a folder is prepared for that, and after a kill -9
put back: a file has what its last sync covered, a folder the names its last sync covered; what was written later is kept or
lost page by page, name by name, as chance has it.
"""
import os
import pathlib
import random
import shutil

PAGE = 4096
SECTOR = 512
GONE = ("-shm",)  # shared memory, no data: SQLite makes it anew
SKIPPED = ("reserve",)  # nothing but zeros


class PowerCut:
    """One data folder and its shadow.

        cut = PowerCut(data, tmp_path / "shadow")
        cut.prepare()                            # before each start
        … start with env=cut.env, kill -9 …
        cut.strike(seed)                         # the folder is now as after a power cut
    """

    def __init__(self, folder, shadow, swallow=None):
        self.folder, self.shadow = pathlib.Path(folder).resolve(), pathlib.Path(shadow)
        self.env = {"POWERCUT_FOLDER": str(self.folder), "POWERCUT_SHADOW": str(self.shadow)}
        if swallow:
            self.env["POWERCUT_SWALLOW"] = swallow

    # --- before

    def prepare(self):
        """Whatever is there now is on disk."""
        shutil.rmtree(self.shadow, ignore_errors=True)
        self.shadow.mkdir(parents=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.numbers, log = {}, []
        for place, folders, files in os.walk(self.folder):
            for path in [place, *(os.path.join(place, name) for name in files)]:
                ino = os.stat(path).st_ino
                self.numbers.setdefault(ino, len(self.numbers) + 1)
                log.append(f"inode {ino} {self.numbers[ino]}")
        for place, folders, files in os.walk(self.folder):
            log.append(self._names_line(place, folders + files))
            for name in files:
                path = os.path.join(place, name)
                if name not in SKIPPED:
                    shutil.copyfile(path, self.shadow / str(self.numbers[os.stat(path).st_ino]))
        (self.shadow / "log").write_text("\n".join(log) + "\n")

    def _names_line(self, place, names):
        number = self.numbers[os.stat(place).st_ino]
        pairs = [f"{name}\t{self.numbers[os.stat(os.path.join(place, name)).st_ino]}" for name in names]
        return "\t".join([f"folder {number}", *pairs])

    # --- after

    def strike(self, seed, keeps=None):
        """keeps: how likely what was not synced is there all the same; default: by chance, in a third of the cuts nothing."""
        self.chance = random.Random(seed)
        self.keeps = self.chance.choice([0, 0.5, self.chance.random()]) if keeps is None else keeps
        self._read_log()
        root = self.live[os.stat(self.folder).st_ino]
        built = self.folder.with_name(self.folder.name + ".after")
        shutil.rmtree(built, ignore_errors=True)
        self._build_folder(root, self.folder, built)
        shutil.rmtree(self.folder)
        built.rename(self.folder)

    def _read_log(self):
        self.live, self.synced_names = {}, {}  # inode → number; number → {name: number}
        for line in (self.shadow / "log").read_text().split("\n")[:-1]:
            what, rest = line.split(" ", 1)
            if what == "inode":
                ino, number = map(int, rest.split())
                self.live[ino] = number
            else:
                number, *pairs = rest.split("\t")
                self.synced_names[int(number)] = {name: int(n) for name, n in zip(pairs[::2], pairs[1::2])}

    def _is_kept(self):
        return self.chance.random() < self.keeps

    def _number_of(self, path):
        """A live file's number; one that was never written nor listed has none yet."""
        ino = os.stat(path).st_ino
        if not self.live.get(ino):
            self.live[ino] = -ino
        return self.live[ino]

    def _build_folder(self, number, live_path, out):
        out.mkdir()
        synced = self.synced_names.get(number, {})
        live = {name: self._number_of(live_path / name) for name in sorted(os.listdir(live_path))} if live_path else {}
        for name in sorted(synced.keys() | live.keys()):
            there, now = synced.get(name), live.get(name)
            chosen = now if there == now or self._is_kept() else there
            if chosen is None or name.endswith(GONE) or name in SKIPPED:
                continue
            path = live_path / name if live_path and chosen == now else None
            if chosen in self.synced_names or (path and path.is_dir()):
                self._build_folder(chosen, path, out / name)
            else:
                (out / name).write_bytes(self._content(chosen, path))

    def _content(self, number, live_path):
        shadow = self.shadow / str(number)
        synced = shadow.read_bytes() if shadow.exists() else b""
        live = live_path.read_bytes() if live_path else synced
        if synced == live:
            return live
        size = len(live) if self._is_kept() else len(synced)
        out = bytearray(synced[:size].ljust(size, b"\0"))
        for at in range(0, size, PAGE):
            page = live[at:min(at + PAGE, size)]
            if page == out[at:at + len(page)] or not self._is_kept():
                continue
            torn = self.chance.randrange(1, PAGE // SECTOR) * SECTOR if self.chance.random() < 0.1 else PAGE
            out[at:at + min(torn, len(page))] = page[:torn]
        return bytes(out)
