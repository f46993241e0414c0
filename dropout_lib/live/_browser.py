"""What only the page knows or can do for a live figure: a few lines that a hidden HTML widget runs there.

They find out how many device pixels there are per CSS pixel, which no ipywidget carries: the lines write it into a
hidden number field, and ipywidgets carries the field's value to Python, so that a figure is drawn at that
density. They give the picture its sentence as its accessible name, and the sliders their labels, and they keep the
arrow keys for the sliders, which Notebook 7 would take for itself. Where a page forbids such lines, a figure is
drawn for a dense screen: crisp everywhere, a little slower.
"""

import ipywidgets as widgets

DENSE_SCREEN = 2.0
_LARGEST = 3.0  # beyond this nobody sees a difference, and the picture grows with its square

# An image that cannot load runs its `onerror`, also where a <script> put in as text would not run. The views of
# a figure's widgets are made one by one, so the code waits for all of them, for at most `tries` screen frames.
_REPORT = """
(function (tries) {
  const root = this.closest('.dropout-live');
  const field = root && root.querySelector('.dropout-ratio input');
  const status = root && root.querySelector('.dropout-status p');
  const picture = root && root.querySelector('img.dropout-picture');
  if (!(field && status && picture)) {
    if (tries > 0) requestAnimationFrame(arguments.callee.bind(this, tries - 1));
    return;
  }
  picture.setAttribute('aria-labelledby', status.id);
  root.addEventListener('focusin', ({target}) => {
    if (target.getAttribute('role') !== 'slider') return;
    target.setAttribute('data-lm-suppress-shortcuts', 'true');
    const label = target.closest('.widget-slider')?.querySelector('.widget-label');
    if (label) target.setAttribute('aria-label', label.textContent);
  });
  const report = () => {
    if (!field.isConnected) return;
    field.value = window.devicePixelRatio;
    field.dispatchEvent(new Event('change', {bubbles: true}));
    matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`)
      .addEventListener('change', report, {once: true});
  };
  report();
}).call(this, 600)
"""

# ipywidgets marks so what no kernel answers any more, as after a restart.
_STYLE = """
.dropout-box.jupyter-widgets-disconnected::after {
  content: "The kernel of this was restarted or has ended: run its cell again.";
  padding: 4px 8px;
  border-left: 4px solid #d55e00;
}
"""


class Screen(widgets.Box):
    """Hidden; `ratio` is a number widget with the device pixels per CSS pixel."""

    def __init__(self) -> None:
        self.ratio = widgets.BoundedFloatText(value=DENSE_SCREEN, min=1.0, max=_LARGEST)
        self.ratio.add_class("dropout-ratio")
        probe = widgets.HTML(f'<style>{_STYLE}</style><img src="data:," alt="" onerror="{_REPORT}" hidden>')
        super().__init__([self.ratio, probe], layout=widgets.Layout(display="none"))
