"""The form of a notebook, as rules: each looks at a page and says what is not as it should be."""

import ast
import re
from collections.abc import Callable, Iterator

import nbformat
from notebook_names import two_meanings
from notebook_page import Page
from notebook_runner import calls_check, solutions

MOST_LINES = 15  # of code in a cell
SETUP_LINES = 5
FIRST_SCREEN = 4  # cells: a live figure is among them
LESSON_MINUTES = range(15, 26)
START_MINUTES = range(1, 11)
FEWEST_PREDICTIONS = 2
EXERCISES = range(2, 4)

START = "00"  # the start page has a lighter form
START_SECTIONS = ["The notebooks", "How to use a live figure", "Is everything in order here?"]
START_ENDING = ["Exercises", "Read on"]
LESSON_ENDING = ["Exercises", "What we checked", "In practice", "Read on"]

_OPENING = {
    "the question, in bold": r"^\*\*[^*]+\?\*\*$",
    "What you'll see": r"^- \*\*What you'll see:\*\* \S",
    "What you need": r"^- \*\*What you need:\*\* \S",
    "Time": r"^- \*\*Time:\*\* \d+ minutes",
}
_FORMULA = re.compile(r"\$\$|(?<!\\)\$[^$\n]+\$|\\\(|\\\[")
_PREDICT_OR_RESULT = re.compile(r"\*\*(Predict|What happened)\b[^*]*\*\*")
_CELL_ID = re.compile(r"cell-\d\d-\d\d+")
_FORBIDDEN = {
    "silences something": r"#\s*(type:\s*ignore|noqa)|\bwarnings\.|np\.seterr|contextlib\.suppress",
    "installs something": r"\b(pip|conda|mamba|uv)\s+(\w+\s+)?install\b",
    "leaves Python": r"^\s*[%!]|get_ipython|subprocess|os\.system",
    "reaches for the network": r"https?://|\burllib\b|\brequests\b|\bsocket\b",
    "opens pyplot figures": r"\bpyplot\b|\bplt\.",
    "uses the global random state": r"np\.random\.(?!default_rng|Generator)\w+",
}


Rule = Callable[[Page], Iterator[str]]


def stripped(page: Page) -> Iterator[str]:
    """Nothing of a run is kept; the file is valid; ids are ours, so that a change shows as one."""
    ids = [cell.get("id", "") for cell in page.notebook.cells]
    if len(set(ids)) == len(ids):  # the validation would give an id that stands twice a new name
        try:
            nbformat.validate(page.notebook)
        except nbformat.ValidationError as error:
            yield f"is not valid: {str(error).splitlines()[0]}"
    for name in ids:
        if not _CELL_ID.fullmatch(name) or ids.count(name) > 1:
            yield f"cell id {name!r} should be like cell-{page.number}-07, and once only"
    if page.notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "should name the kernel python3"
    extra = set(page.notebook.metadata) - {"kernelspec", "language_info"}
    extra |= {key for cell in page.notebook.cells for key in cell.metadata if key != "tags"}
    if extra:
        yield f"metadata {sorted(extra)} are left"
    for cell in page.notebook.cells:
        if cell.get("outputs") or cell.get("execution_count") is not None:
            yield f"cell {cell.get('id')} keeps what a run left"


def plain_code(page: Page) -> Iterator[str]:
    """Code cells are short, and hide, install and fetch nothing."""
    for source in page.code:
        first = source.split("\n", 1)[0]
        count = len(source.strip().splitlines())
        if not 1 <= count <= MOST_LINES:
            yield f"the cell {first!r} has {count} lines; 1 to {MOST_LINES} are right"
        for what, pattern in _FORBIDDEN.items():
            if re.search(pattern, source, re.M):
                yield f"the cell {first!r} {what}"


def stops_nobody(page: Page) -> Iterator[str]:
    """No assert stops a reader: `claim` shows a verdict. No cell waits for a job: all else would wait, too."""
    for source in page.code:
        first = source.split("\n", 1)[0]
        if re.search(r"^\s*assert\b", source, re.M):
            yield f"the cell {first!r} asserts; claim(id, holds, words) shows a verdict instead"
        if re.search(r"\.wait\(", source):
            yield f"the cell {first!r} waits"


def one_meaning(page: Page) -> Iterator[str]:
    """A cell that is run again alone finds the names that it found at first."""
    cells = {cell.id: cell.source for cell in page.notebook.cells if cell.cell_type == "code"}
    try:
        yield from two_meanings(cells)
    except SyntaxError as error:
        yield f"has code that is no Python: {error.text}"


def opening(page: Page) -> Iterator[str]:
    """Title, question, what you'll see and need, minutes; then the set-up; then a live figure."""
    title = page.notebook.cells[0].source
    if not re.match(r"# \S", title) or len(page.headings(1)) != 1:
        yield "should begin with its title, the only one"
    places = [re.search(pattern, title, re.M) for pattern in _OPENING.values()]
    yield from (f"lacks {what}" for what, place in zip(_OPENING, places, strict=True) if not place)
    starts = [place.start() for place in places if place]
    if starts != sorted(starts):
        yield f"should open in the order {', '.join(_OPENING)}"
    minutes = re.search(r"\*\*Time:\*\* (\d+)", title)
    allowed = START_MINUTES if page.number == START else LESSON_MINUTES
    if minutes and int(minutes[1]) not in allowed:
        yield f"takes {minutes[1]} minutes; {allowed[0]} to {allowed[-1]} are right"
    if not page.code or not page.code[0].startswith("import dropout_lib"):
        yield "its first code cell should begin with `import dropout_lib`, which sets one thread"
    elif len(page.code[0].splitlines()) > SETUP_LINES:
        yield f"its set-up has more than {SETUP_LINES} lines"
    first_cells = page.notebook.cells[:FIRST_SCREEN]
    live = [n for n, cell in enumerate(first_cells) if "live.LiveFigure(" in cell.source]
    if not live:
        yield f"has no live figure in its first {FIRST_SCREEN} cells"
    elif any(
        _FORMULA.search(c.source) for c in first_cells[: live[0]] if c.cell_type == "markdown"
    ):
        yield "has a formula before its first live figure"


def endings(page: Page) -> Iterator[str]:
    """The sections that every notebook has stand where a reader looks for them."""
    wanted = START_ENDING if page.number == START else LESSON_ENDING
    if page.headings(2)[-len(wanted) :] != wanted:
        yield f"should end in the sections {wanted}; it ends in {page.headings(2)[-len(wanted) :]}"
    if page.number == START:
        found = [title for title in page.headings(2) if title in START_SECTIONS]
        if found != START_SECTIONS:
            yield f"should have the sections {START_SECTIONS}; it has {found}"
        if not any("course.report()" in source for source in page.code):
            yield "should call course.report()"


def predictions(page: Page) -> Iterator[str]:
    """Predict, code, What happened: in turn, so that a reader commits before running."""
    if page.number == START:
        return
    last, code_between, count = "What happened", True, 0
    for cell in page.notebook.cells:
        if cell.cell_type == "code":
            code_between = True
            continue
        for word in _PREDICT_OR_RESULT.findall(cell.source):
            where = f"{word!r} in cell {cell.get('id')}"
            if word == "What happened" and last == word:
                yield f"{where} follows no Predict"
            elif word == "What happened" and not code_between:
                yield f"{where} has no code before it"
            elif word == "What happened":
                count += 1
            last, code_between = word, False
    if last == "Predict":
        yield "its last Predict has no What happened"
    if count < FEWEST_PREDICTIONS:
        yield f"has {count} predictions; {FEWEST_PREDICTIONS} or more are right"


def exercises(page: Page) -> Iterator[str]:
    """Each exercise is a stub with `...` and a `check`; its solution follows, collapsed."""
    cells, found = page.notebook.cells, 0
    for number, cell in enumerate(cells):
        if cell.cell_type != "code" or not calls_check(cell.source):
            continue
        found += 1
        where = f"exercise {found}"
        if not _has_ellipsis(cell.source):
            yield f"{where}: the stub should hold a `...`"
        names = _checked_names(cell.source)
        if not names or not set(names) <= page.exercises:
            yield f"{where}: check knows no {names}"
        codes = solutions(nbformat.v4.new_notebook(cells=cells[number + 1 : number + 2]))
        if len(codes) != 1:
            yield f"{where}: one collapsed solution should follow the stub"
        elif _has_ellipsis(codes[0]) or _checked_names(codes[0]) != names:
            yield f"{where}: the solution should be whole and call check({names})"
    if found not in EXERCISES:
        yield f"has {found} exercises; {EXERCISES[0]} to {EXERCISES[-1]} are right"
    if found != len(solutions(page.notebook)):
        yield "has a solution without a stub"


def checked_claims(page: Page) -> Iterator[str]:
    """Every claim of the notebook is measured or told, and all are shown under What we checked."""
    for name in sorted(page.claims_mentioned - page.all_claims):
        yield f"{name} is no claim of claims.md"
    if page.number == START:
        return
    letter = min(page.own_claims)[0]
    measured = set(re.findall(r"\bclaim\(\"([^\"]+)\"", "\n".join(page.code)))
    for name in sorted((page.own_claims - page.told_claims) ^ measured):
        wrong = "is not measured" if name in page.own_claims else "is not its claim"
        yield f"{name} {'is told, not measured' if name in page.told_claims else wrong}"
    if not page.says_in("What we checked", "code", f'what_we_checked("{letter}")'):
        yield f"What we checked should show what_we_checked({letter!r})"


def practice_and_links(page: Page) -> Iterator[str]:
    """The same thing in both libraries; links that lead somewhere."""
    for library in ("PyTorch", "Keras"):
        if page.number != START and not page.says_in("In practice", "markdown", library):
            yield f"In practice lacks {library}"
    for target in sorted(page.links - page.files):
        yield f"links to {target}, which is not there"
    if page.number == START:
        others = {name for name in page.files if name.endswith(".ipynb") and name[:2] != START}
        yield from (f"its map does not link {name}" for name in sorted(others - page.links))


RULES: list[Rule] = [
    stripped,
    plain_code,
    stops_nobody,
    one_meaning,
    opening,
    endings,
    predictions,
    exercises,
    checked_claims,
    practice_and_links,
]


def _has_ellipsis(source: str) -> bool:
    nodes = ast.walk(ast.parse(source))
    return any(isinstance(node, ast.Constant) and node.value is Ellipsis for node in nodes)


def _checked_names(source: str) -> list[str]:
    return re.findall(r"\bcheck\(\"(\w+)\"", source)
