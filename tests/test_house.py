# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the house (CONTRIBUTING.md) that a machine can check."""

from __future__ import annotations

import ast
import dataclasses
import graphlib
import hashlib
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tfscale.study.plugins.module_utils._study.design import workloads

ROOT = Path(__file__).resolve().parents[1]
ROLES = sorted(path.parent.parent.name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
MODULES = sorted(path.stem for path in ROOT.glob("plugins/modules/*.py"))
PLAYBOOKS = sorted(path.name for path in ROOT.glob("playbooks/*.yml"))
# Read-only, and no role calls it: 0.4 s more do not matter.
MODULES_WITHOUT_ACTION = {"training_timings_info"}
MODULE_UTILS = "ansible_collections.tfscale.study.plugins.module_utils"


def rooms(*names: str) -> set[str]:
    return {f"{MODULE_UTILS}.{name}" for name in names}


# Each room of module_utils, and those that it imports from.
ROOMS = {
    "_common": (),
    "_study": ("_common",),
    "_kubernetes": ("_common", "_study"),
    "_backends": ("_common", "_study", "_kubernetes"),
    "_providers": ("_common", "_study", "_kubernetes"),
    "_deployment": ("_common", "_study", "_kubernetes", "_backends"),
    "_report": ("_common", "_study"),
    "_steps": ("_common", "_study", "_kubernetes", "_backends", "_providers", "_deployment", "_report"),
}
# Beside the standard library, these import nothing but ours.
SELF_CONTAINED = {
    **{
        f"plugins/module_utils/{room}": rooms(room, *below)
        for room, below in ROOMS.items()
        if room not in ("_report", "_steps")
    },
    "trainer/launch.py": {"trainer"},
}
THE_CLIENT = "plugins/module_utils/_kubernetes/api.py"
# Who talks to a cloud imports that cloud's packages, inside its functions.
CLOUDS = {"plugins/module_utils/_providers/gke_api.py", "plugins/module_utils/_providers/gke_credential_plugin.py"}
# Read YAML, with the package by which Ansible does.
READ_YAML = {
    "plugins/module_utils/_providers/kubeconfig.py",
    "plugins/module_utils/_kubernetes/kubeconfigs.py",
    "plugins/module_utils/_common/yaml_text.py",
}
# They import jmespath, numpy, pandas and scipy inside functions, orjson where it is installed.
USE_LIBRARIES = {
    "plugins/module_utils/_study/records/ledger.py",
    "plugins/module_utils/_study/records/selection.py",
    "plugins/module_utils/_study/analysis/frame.py",
    "plugins/module_utils/_study/statistics/scientific.py",
}
NEVER_IMPORTED = {
    "plugins": {"tensorflow", "keras", "trainer"},
    "plugins/module_utils/_steps": {"pandas", "scipy", "vl_convert", "kubernetes", "tensorflow"},
    "plugins/module_utils": {"ansible"},
    "trainer": {"ansible", "ansible_collections", "pandas", "sklearn"},
}
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}


def yaml_of(path: str | Path) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def under(place: str) -> list[Path]:
    return [ROOT / place] if place.endswith(".py") else python_files(place)


def tracked_names() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name]


def tracked_files() -> list[Path]:
    return [ROOT / name for name in tracked_names() if (ROOT / name).is_file()]


def imported_names(path: Path) -> Iterator[str]:
    """Name each imported module in full; a relative import is resolved from the file's place."""
    place = path.relative_to(ROOT).parent.parts
    package = ["ansible_collections", "tfscale", "study", *place] if place[0] == "plugins" else [*place]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            # `from . import name` imports the module of that name.
            yield from {f"{module}.{alias.name}" if not node.module else module for alias in node.names}


def is_within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.relative_to(ROOT)}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def code_lines(path: Path) -> int:
    """Count lines that are neither blank nor part of a module's documentation."""
    text = path.read_text()
    documented: set[int] = set()
    for node in ast.parse(text).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id in DOCUMENTATION
        ):
            documented.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return sum(1 for number, line in enumerate(text.splitlines(), 1) if line.strip() and number not in documented)


@pytest.mark.parametrize("role", ROLES)
def test_defaults_equal_argument_specs(role: str) -> None:
    defaults = yaml_of(f"roles/{role}/defaults/main.yml") or {}
    options: dict[str, Any] = yaml_of(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert defaults == {name: option["default"] for name, option in options.items() if "default" in option}
    assert [name for name, option in options.items() if "default" not in option and not option.get("required")] == []


@pytest.mark.parametrize("role", ROLES)
def test_role_variables_are_described_and_carry_the_prefix(role: str) -> None:
    entries = yaml_of(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]
    for entry in entries.values():
        assert entry["short_description"]
        for name, option in entry.get("options", {}).items():
            assert name.startswith(f"{role}_"), name
            assert option["description"], name


@pytest.mark.parametrize("role", ROLES)
def test_entry_points_have_their_tasks_file(role: str) -> None:
    for entry in yaml_of(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]:
        assert (ROOT / "roles" / role / "tasks" / f"{entry}.yml").is_file(), entry


def test_every_role_has_the_same_silhouette() -> None:
    folders = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
    assert folders == ROLES
    for role in ROLES:
        for part in ("README.md", "defaults/main.yml", "meta/main.yml", "tasks/main.yml"):
            assert (ROOT / "roles" / role / part).is_file(), f"{role}/{part}"


def test_role_does_not_read_internals_of_another_role() -> None:
    for role in ROLES:
        others = "|".join(other for other in ROLES if other != role)
        for path in (ROOT / "roles" / role).rglob("*.yml"):
            assert not re.search(rf"\b__({others})_", path.read_text()), path


@pytest.mark.parametrize(("pattern", "most"), [("playbooks/*.yml", 30), ("roles/*/tasks/*.yml", 80)])
def test_yaml_files_stay_short(pattern: str, most: int) -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in ROOT.glob(pattern)}
    assert lengths
    assert {name: length for name, length in lengths.items() if length > most} == {}


def test_every_module_has_its_action_twin() -> None:
    actions = {path.stem for path in ROOT.glob("plugins/action/*.py")}
    assert actions == set(MODULES) - MODULES_WITHOUT_ACTION


def test_action_group_names_every_module() -> None:
    runtime = yaml_of("meta/runtime.yml")
    assert runtime["action_groups"]["study"] == MODULES


@pytest.mark.parametrize("kind", ["module", "role", "filter", "inventory", "callback"])
def test_reference_lists_exactly_what_exists(kind: str) -> None:
    reference = (ROOT / "docs/reference.md").read_text()
    table = re.search(rf"^\| {kind} \|.*\n\|[-|]+\n((?:\|.*\n)+)", reference, re.MULTILINE)
    assert table
    listed = sorted(re.findall(r"^\| `tfscale\.study\.(\w+)`", table[1], re.MULTILINE))
    plugins = {
        each: sorted(path.stem for path in ROOT.glob(f"plugins/{each}/*.py"))
        for each in ("filter", "inventory", "callback")
    }
    assert listed == {"module": MODULES, "role": ROLES, **plugins}[kind]


def test_reference_lists_every_playbook() -> None:
    listed = re.findall(r"^\| `playbooks/([\w.]+)`", (ROOT / "docs/reference.md").read_text(), re.MULTILINE)
    assert sorted(listed) == PLAYBOOKS


PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    # Environments and generated pages; the symlink back to the checkout itself; a report that a test expects.
    if not any(
        part.startswith(".") or part in ("collections", "results", "golden") for part in path.relative_to(ROOT).parts
    )
)
DOCUMENTATION_PAGES = [page for page in PAGES if page.parent == ROOT / "docs"]
CODE_BLOCK = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)


def anchors_of(page: Path) -> set[str]:
    """Name the headings as GitHub and the site do."""
    headings = re.findall(r"^#+ (.*)$", CODE_BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", CODE_BLOCK.sub("", page.read_text())):
        if "://" not in target:
            there = page.parent / target if target else page
            assert there.exists(), target
            assert not anchor or anchor in anchors_of(there), f"{target}#{anchor}"


def test_index_of_the_documentation_names_every_page_once() -> None:
    named = re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs/index.md").read_text())
    assert sorted(named) == [page.name for page in DOCUMENTATION_PAGES if page.name != "index.md"]


@pytest.mark.parametrize("page", DOCUMENTATION_PAGES, ids=lambda page: page.name)
def test_page_says_first_for_whom_it_is(page: Path) -> None:
    title, first = [line for line in page.read_text().splitlines() if line.strip()][:2]
    assert title.startswith("# ")
    assert re.match(r"This (page|tutorial) is for ", first)


def test_files_that_texts_name_in_docs_are_there() -> None:
    missing = {}
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        # A changelog tells of the files of its day.
        if path.name != "CHANGELOG.rst" and "changelogs" not in path.parts:
            names = set(re.findall(r"(?<![\w./-])docs/[\w./-]+\.(?:md|json|yml|py)\b", text))
            missing.update({name: str(path) for name in names if not (ROOT / name).is_file()})
    assert missing == {}


def test_tracked_files_name_no_registry_and_no_build_path() -> None:
    # Written in pieces, so that this file passes its own test.
    hosts = ["pypi" + ".org", "python" + "hosted", "registry.npm" + "js", "proxy." + "golang", "deb." + "debian"]
    faulty = re.compile("|".join(map(re.escape, hosts)) + r"|(?<![\w.~])/" + r"(?:work|home/\w+|root)/")
    found = {}
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if path.name != "LICENSE" and (hit := faulty.search(text)):
            found[str(path.relative_to(ROOT))] = hit[0]
    assert found == {}


def documentation_of(module: str) -> str:
    for node in ast.parse((ROOT / f"plugins/modules/{module}.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION":
            return str(ast.literal_eval(node.value))
    raise LookupError(module)


def places_without(workload: workloads.Workload) -> list[str]:
    """Name the documentation that does not mention the workload."""
    options = yaml.safe_load(documentation_of("training_wait"))["options"]
    specs = yaml_of("roles/training/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = (ROOT / "roles/training/defaults/main.yml").read_text()
    mentions = {
        "plugins/modules/training_wait.py": workload.name in options["backend"]["choices"],
        "plugins/modules/training_deploy.py": f" {workload.kind}" in documentation_of("training_deploy"),
        "plugins/modules/training_cleanup.py": f" {workload.kind}s" in documentation_of("training_cleanup"),
        "roles/training/meta/argument_specs.yml": f"V({workload.name})" in specs["training_backend"]["description"],
        "roles/training/defaults/main.yml": f"`{workload.name}`" in defaults.partition("training_backend:")[0],
        "docs/kubernetes.md": f"| `{workload.name}` |" in (ROOT / "docs/kubernetes.md").read_text(),
    }
    return [place for place, is_mentioned in mentions.items() if not is_mentioned]


def test_documentation_names_the_workloads_of_the_table_and_no_other() -> None:
    assert {one.name: places_without(one) for one in workloads.WORKLOADS} == {name: [] for name in workloads.names()}
    other = dataclasses.replace(workloads.WORKLOADS[0], name="toyset", kind="ToySet")
    assert len(places_without(other)) == 6
    choices = yaml.safe_load(documentation_of("training_wait"))["options"]["backend"]["choices"]
    assert choices == ["processes", *workloads.names()]


def test_every_workload_has_its_manifest() -> None:
    for one in workloads.WORKLOADS:
        text = (ROOT / f"roles/training/templates/{one.name}.yml.j2").read_text()
        kinds = re.findall(r"^apiVersion: (\S+)\nkind: (\S+)$", text, re.M)
        assert kinds == [(one.api.removeprefix("/apis/"), one.kind)]


def test_one_file_names_the_workloads() -> None:
    """Whatever else knows their names would have to be changed for the next one."""
    names = {name for one in workloads.WORKLOADS for name in (one.name, one.index_label)}
    naming = {
        path.relative_to(ROOT).as_posix()
        for path in python_files("plugins/module_utils", "plugins/action")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert naming == {"plugins/module_utils/_study/design/workloads.py"}


def test_every_room_says_what_it_holds_and_looks_only_down() -> None:
    """CONTRIBUTING.md names each room; a room imports from itself and from those below it."""
    house = (ROOT / "CONTRIBUTING.md").read_text()
    for folder in sorted({path.parent for path in python_files("plugins/module_utils")}):
        assert re.search(rf"[ ,/]{folder.name}/", house), folder
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), folder
    for room, below in ROOMS.items():
        for path in python_files(f"plugins/module_utils/{room}"):
            ours = {name for name in imported_names(path) if is_within(name, {MODULE_UTILS})}
            assert not [name for name in ours if not is_within(name, rooms(room, *below))], path


@pytest.mark.parametrize("place", sorted(SELF_CONTAINED))
def test_imports_only_the_standard_library(place: str) -> None:
    files = under(place)
    assert files
    for path in files:
        names = [name for name in imported_names(path) if name.partition(".")[0] not in sys.stdlib_module_names]
        if path.relative_to(ROOT).as_posix() not in {THE_CLIENT, *USE_LIBRARIES, *READ_YAML, *CLOUDS}:
            assert [name for name in names if not is_within(name, SELF_CONTAINED[place])] == [], path


def test_only_one_file_touches_the_kubernetes_client() -> None:
    client = {"kubernetes", "urllib3", "ansible_collections.kubernetes"}
    touching = [
        path for path in python_files("plugins") if any(is_within(name, client) for name in imported_names(path))
    ]
    assert [path.relative_to(ROOT).as_posix() for path in touching] == [THE_CLIENT]


def trainer_parts(path: Path) -> Iterator[str]:
    """Name each module or package directly below `trainer` that a file of it imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "trainer":
            yield from (alias.name for alias in node.names)
    yield from (name.split(".")[1] for name in imported_names(path) if name.startswith("trainer."))


def test_trainer_imports_form_no_cycle() -> None:
    """A package counts as one module, so presets and strategies never depend on each other, not even indirectly."""
    imports: dict[str, set[str]] = {}
    for path in python_files("trainer"):
        part = path.relative_to(ROOT / "trainer").parts[0].removesuffix(".py")
        imports.setdefault(part, set()).update(name for name in trainer_parts(path) if name != part)
    assert imports["presets"] & imports["strategies"] >= {"training_loop"}
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError


@pytest.mark.parametrize("place", sorted(NEVER_IMPORTED))
def test_imports_nothing_from_beyond_its_border(place: str) -> None:
    files = under(place)
    assert files
    for path in files:
        assert [name for name in imported_names(path) if is_within(name, NEVER_IMPORTED[place])] == [], path


def test_heavy_libraries_are_imported_inside_functions() -> None:
    heavy = {"pandas", "numpy", "scipy", "vl_convert"}
    for path in python_files("plugins"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = (
                    [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                )
                assert not any(is_within(name, heavy) for name in names), f"{path}:{node.lineno}"


def test_unit_tests_mirror_the_plugins() -> None:
    """`test_<file>.py` tests one file; `test_any_<input>.py` feeds arbitrary input to a whole folder."""
    for path in python_files("tests/unit"):
        if path.name.startswith("test_any_"):
            assert (ROOT / path.parent.relative_to(ROOT / "tests" / "unit")).is_dir(), (
                f"{path} tests nothing that exists"
            )
        elif path.name.startswith("test_"):
            mirrored = path.relative_to(ROOT / "tests" / "unit").with_name(path.name.removeprefix("test_"))
            assert (ROOT / mirrored).is_file(), f"{path} tests nothing that exists"


def test_unit_tests_are_as_long_as_the_plugins() -> None:
    # Tables of texts, which one test compares with each other, and what modules share of their documentation.
    texts = ("plugins/module_utils/_report/messages", "plugins/doc_fragments")
    tests, plugins, told = (
        sum(map(code_lines, python_files(*folders))) for folders in (("tests/unit",), ("plugins",), texts)
    )
    assert tests >= plugins - told


def test_links_lead_to_places_of_the_checkout() -> None:
    """A link to an environment of one machine ends `make docs` on every other."""
    links = [ROOT / name for name in tracked_names() if (ROOT / name).is_symlink()]
    assert links
    assert [link for link in links if not link.resolve().is_relative_to(ROOT)] == []


def test_python_files_and_functions_stay_short() -> None:
    files = python_files("plugins", "trainer")
    assert {path: n for path in files if (n := len(path.read_text().splitlines())) >= 500} == {}
    lengths = dict(function for path in files for function in functions_of(path))
    assert {name: length for name, length in lengths.items() if length > 60} == {}
    assert statistics.median(lengths.values()) <= 12
    assert statistics.quantiles(lengths.values(), n=10)[8] <= 40


def test_python_files_carry_the_licence_and_future_annotations() -> None:
    for path in python_files("plugins", "trainer"):
        text = path.read_text()
        if text:
            assert "# SPDX-License-Identifier: GPL-3.0-or-later" in text[:400], path
            assert "from __future__ import annotations" in text or not list(functions_of(path)), path


@pytest.mark.parametrize(
    "name", [*sorted(path.name for path in ROOT.glob("requirements*.txt")), "trainer/requirements.txt"]
)
def test_requirements_are_pinned(name: str) -> None:
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    assert [line for line in lines if line and not re.fullmatch(r"[\w.-]+==[\w.]+( ?;.*)?", line)] == []


def test_locks_are_of_the_requirements_as_they_are() -> None:
    locks = sorted((ROOT / "locks").glob("*.txt"))
    assert locks
    for lock in locks:
        head, *packages = lock.read_text().splitlines()
        files = head.partition("write ")[2].partition(" #")[0].split()
        contents = b"".join((ROOT / name).read_bytes() for name in files)
        assert head.endswith(hashlib.sha256(contents).hexdigest()), f"run tools/lock.py write {' '.join(files)}"
        assert [line for line in packages if not re.fullmatch(r"\S+==\S+ --hash=sha256:[0-9a-f]{64}", line)] == []


def test_images_and_actions_of_others_are_named_by_what_they_hold() -> None:
    """A tag can be moved; a digest and a commit cannot."""
    workflows = [path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml")]
    actions = [name for text in workflows for name in re.findall(r"uses: (.*)", text)]
    assert actions
    assert [name for name in actions if not re.fullmatch(r"\S+@[0-9a-f]{40} # v[0-9.]+", name)] == []
    images = re.findall(r"^ARG \w+_IMAGE=(.*)", (ROOT / "docker/Dockerfile").read_text(), re.M)
    images += re.findall(r"^FROM ([^$\s]+)", (ROOT / "docker/Dockerfile").read_text(), re.M)
    images.append(yaml.safe_load((ROOT / "execution-environment.yml").read_text())["images"]["base_image"]["name"])
    assert len(images) == 3
    assert [name for name in images if not re.fullmatch(r"\S+:\S+@sha256:[0-9a-f]{64}", name)] == []


def test_changelog_names_the_version() -> None:
    version = yaml_of("galaxy.yml")["version"]
    assert f"v{version}" in (ROOT / "CHANGELOG.rst").read_text()


# Calls that end, remove or write over something, and objects on which the last three do so.
ENDING = {"unlink", "rmdir", "rmtree", "rename", "kill", "killpg", "truncate", "ftruncate"}
CHANGING = {"delete", "patch", "replace"}
CHANGED_THROUGH = {"api", "_api", "os", "files", "shutil"}


def removals_of(path: Path) -> list[int]:
    """Lines of such calls; `replace` also of a path, which is a draft then, and not of a text."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, of = node.func.attr, node.func.value
            through = of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else ""
            is_change = name in CHANGING and (through in CHANGED_THROUGH or "draft" in ast.unparse(of))
            if name in ENDING or is_change:
                found.append(node.lineno)
    return found


def test_ownership_page_has_a_row_for_every_removal() -> None:
    page = (ROOT / "docs/ownership.md").read_text()
    named = set(re.findall(r"`((?:plugins|trainer|roles|docker|tools)/[\w./]+)`", page))
    assert [name for name in named if not (ROOT / name).is_file()] == []
    code = {path.relative_to(ROOT).as_posix(): removals_of(path) for path in python_files("plugins", "trainer")}
    tasks = re.compile(r"overwrite: true|ansible\.builtin\.copy:|^  awx\.awx\.", re.MULTILINE)
    for path in ROOT.glob("roles/*/tasks/*.yml"):
        text = path.read_text()
        # A module of ours that removes something has a row of its own.
        if tasks.search(text) or ("state: absent" in text and "tfscale.study." not in text):
            code[path.relative_to(ROOT).as_posix()] = [0]
    assert {name: lines for name, lines in code.items() if lines and name not in named} == {}


def test_ownership_page_names_tests_that_are_there() -> None:
    defined = {
        name for path in python_files("tests") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    rows = [line for line in (ROOT / "docs/ownership.md").read_text().splitlines() if re.match(r"\| (?!thing|-)", line)]
    assert rows
    for row in rows:
        proving = re.findall(r"`(test_\w+)`", row.rpartition(" | ")[2])
        assert proving, row
        assert set(proving) <= defined, row
