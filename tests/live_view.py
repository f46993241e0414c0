"""One live figure as a reader has it in a page: picture, sentence, and controls under the keyboard.

view = LiveView(page)  # the first live figure of the page that has a slider
before = view.pixels()
view.press("ArrowRight")
view.wait_for_new_pixels(before)
view.set("keep probability", 0.3)
"""

from playwright.sync_api import Locator, Page, TimeoutError

ANSWER_SECONDS = 20  # until new pixels are there; a busy machine may take its time
_STEP_SECONDS = 5  # until the number beside a slider follows a key
# Nothing new is shown for so long, and the kernel (where the page tells) has nothing to do: it has settled.
QUIET_MILLISECONDS = 400

_CONTROLS = ".widget-inline-hbox, .widget-toggle-buttons"

# A fingerprint of the decoded pixels, empty while the picture is still loading.
_PIXELS = """
picture => {
  if (!picture.complete || !picture.naturalWidth) return '';
  const canvas = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight);
  const context = canvas.getContext('2d');
  context.drawImage(picture, 0, 0);
  const data = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  let hash = 2166136261;
  for (let i = 0; i < data.length; i++) hash = Math.imul(hash ^ data[i], 16777619);
  return `${canvas.width}x${canvas.height}:${hash >>> 0}`;
}
"""
# The first picture is made for a dense screen, the one that counts for the density of this screen.
_READY = """
picture => picture.complete && picture.naturalWidth > 0 &&
  Math.abs(picture.naturalWidth - parseFloat(picture.style.width) * devicePixelRatio) < 2
"""
_NEW_PIXELS = f"""
([picture, before]) => {{
  const now = ({_PIXELS})(picture);
  return now !== '' && now !== before;
}}
"""
_NEW_STATUS = """
([box, before]) => box.querySelector('.dropout-status p').textContent !== before
"""
_SETTLED = f"""
box => {{
  const text = box.querySelector('.dropout-status').textContent;
  const shown = text + box.querySelector('img.dropout-picture').src;
  const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
  const busy = kernel && kernel.status !== 'idle';
  if (busy || box.lastShown !== shown) {{
    box.lastShown = shown;
    box.lastChange = performance.now();
  }}
  return performance.now() - box.lastChange > {QUIET_MILLISECONDS};
}}
"""


class LiveView:
    """A live figure in a page: the one of number `index`, or the first one that has a slider."""

    def __init__(self, page: Page, index: int | None = None) -> None:
        self.page = page
        figures = page.locator(".dropout-live")
        if index is None:
            self.box = figures.filter(has=page.locator(".noUi-handle")).first
        else:
            self.box = figures.nth(index)
        self.picture = self.box.locator("img.dropout-picture")
        self.picture.wait_for(timeout=ANSWER_SECONDS * 1000)
        picture = self.picture.element_handle()
        page.wait_for_function(_READY, arg=picture, timeout=ANSWER_SECONDS * 1000)

    @property
    def status(self) -> str:
        """The sentence below the picture."""
        return self.box.locator(".dropout-status p").text_content()

    @property
    def message(self) -> str:
        """What the figure says about an error; empty if there is none."""
        found = self.box.locator("pre[role=alert]")
        return found.text_content() if found.count() else ""

    def pixels(self) -> str:
        """Return a fingerprint of the pixels shown now; waits for a picture still loading."""
        picture = self.picture.element_handle()
        answer = self.page.wait_for_function(_PIXELS, arg=picture, timeout=ANSWER_SECONDS * 1000)
        return answer.json_value()

    def wait_for_new_pixels(self, before: str, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until the picture differs from the one whose fingerprint is `before`."""
        picture = self.picture.element_handle()
        self.page.wait_for_function(_NEW_PIXELS, arg=[picture, before], timeout=seconds * 1000)

    def wait_for_new_status(self, before: str, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until the sentence below the picture is another one than `before`."""
        box = self.box.element_handle()
        self.page.wait_for_function(_NEW_STATUS, arg=[box, before], timeout=seconds * 1000)

    def handle(self, label: str | None = None) -> Locator:
        """Return the handle of the slider with this label, or of the figure's first slider."""
        return (self.box if label is None else self.control(label)).locator(".noUi-handle").first

    def control(self, label: str) -> Locator:
        """Return the control with this label."""
        words = self.page.get_by_text(label, exact=True)
        return self.box.locator(_CONTROLS).filter(has=words).first

    def press(self, key: str, label: str | None = None, times: int = 1) -> None:
        """Press a key on a slider; `times` > 1 holds it down, which arrives as repeated presses."""
        self.handle(label).focus()
        for _ in range(times):
            self.page.keyboard.down(key)
        self.page.keyboard.up(key)

    def step(self, label: str | None = None, times: int = 1) -> None:
        """Move a slider by some steps to the side on which it has more room."""
        low, now, high = (
            float(self.handle(label).get_attribute(f"aria-value{name}"))
            for name in ("min", "now", "max")
        )
        self.press("ArrowRight" if high - now >= now - low else "ArrowLeft", label, times)

    def settle(self) -> None:
        """Wait until the picture and the sentence have stopped changing."""
        box = self.box.element_handle()
        box.evaluate("box => { box.lastShown = null; }")
        self.page.wait_for_function(_SETTLED, arg=box, timeout=ANSWER_SECONDS * 1000)

    def click(self, button: str) -> None:
        """Press a button of the figure, by keyboard."""
        self.box.get_by_role("button", name=button).press("Enter")

    def set(self, label: str, value: object) -> None:
        """Set a control by keyboard, whatever its kind, and let the figure settle."""
        control = self.control(label)
        if control.locator(".noUi-handle").count():
            self._slide(label, value)
        elif control.locator("input[type=checkbox]").count():
            box = control.locator("input[type=checkbox]")
            if box.is_checked() != bool(value):
                box.press("Space")
        elif control.locator("button").count():
            control.get_by_role("button", name=str(value), exact=True).press("Enter")
        else:
            control.locator("input").fill(str(value))
            control.locator("input").press("Enter")
        self.settle()

    def _slide(self, label: str, value: object) -> None:
        readout = self.control(label).locator(".widget-readout")
        self.press("Home", label)
        self.settle()
        while not _same(shown := readout.text_content(), value):
            self.press("ArrowRight", label)
            try:
                self.page.wait_for_function(
                    "([readout, before]) => readout.textContent !== before",
                    arg=[readout.element_handle(), shown],
                    timeout=_STEP_SECONDS * 1000,
                )
            except TimeoutError as error:
                raise ValueError(f"value is {value!r}; {label!r} ends at {shown}") from error


def _same(shown: str, value: object) -> bool:
    """True if the text beside a slider says `value`, however many digits it shows."""
    try:
        return abs(float(shown) - float(value)) < 1e-9
    except (TypeError, ValueError):  # one of them is a word
        return shown == str(value)
