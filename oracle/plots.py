"""Figures for the chat, drawn from a tool's result and nothing else.

`figure_for(name, result)` gives a plotly figure or None; a series the result lacks is a panel left out.
Colours are mid-tones that read on a light and on a dark background.
"""

from dataclasses import dataclass
from typing import Any

INK, GRID, LIMIT, MUTED = "#64748b", "rgba(148,163,184,0.25)", "#e5383b", "#94a3b8"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
PANEL_PX, TOP_PX, BOTTOM_PX = 118, 34, 46
END_OF_LIFE_PERCENT = 80  # the usual end of first life in traction batteries, e.g. IEC 62660-1 cycle-life tests
MAX_POINTS = 600


@dataclass(frozen=True)
class Panel:
    """One curve over time: where its numbers are and which limits of the result belong to it."""

    series: str
    title: str
    unit: str
    colour: str
    limits: tuple[tuple[str, str], ...] = ()  # (name in result["limits"], label)
    shape: str = "linear"  # "vh": a value holds over the interval that ends with it


PANELS = (
    Panel("current_a", "Cell current", "A", "#0d9488", (("max_current_a", "limit at the start"),), "vh"),
    Panel("voltage_v", "Cell voltage", "V", "#6366f1", (("max_voltage_v", "limit"),)),
    Panel("temperature_c", "Temperature", "°C", "#ea580c", (("max_temperature_c", "limit"),)),
    Panel("anode_potential_v", "Anode potential against lithium", "V", "#a855f7",
          (("anode_potential_margin_v", "margin kept"),)),
)


def figure_for(name: str, result: dict[str, Any]):
    """The figure of a tool's result, or None when there is nothing to draw."""
    if "error" in result:
        return None
    if name in ("recommend_charging_current", "simulate_charge"):
        return charge_figure(result)
    if name == "forecast_life":
        return life_figure(result)
    return None


def charge_figure(result: dict[str, Any]):
    """Current, voltage, temperature and anode potential over minutes, each with the limit it must respect.

    Reads result["series"] (t_min and the panels' names, equal lengths) and result["limits"].
    """
    series = result.get("series") if isinstance(result.get("series"), dict) else {}
    minutes = series.get("t_min") or []
    panels = [p for p in PANELS if len(series.get(p.series) or []) == len(minutes)]
    if len(minutes) < 2 or not panels:
        return None
    figure = _stacked(len(panels), "minutes from now")
    soc = _thin(series.get("soc_percent") or [None] * len(minutes))
    for row, panel in enumerate(panels, start=1):
        _curve(figure, row, panel, _thin(minutes), _thin(series[panel.series]), soc)
        for name, label in panel.limits:
            _limit_line(figure, row, panel, label, limit_of(result, name))
        _range(figure, row, from_zero=panel.series == "current_a")
        _panel_title(figure, row, panel)
        if panel.series == "anode_potential_v":
            _plating_floor(figure, row)
    return figure


def life_figure(result: dict[str, Any]):
    """Capacity in percent of new over years: the forecast, its 90 % band, and the 80 % line.

    Reads result["series"] = [{year, capacity_percent, low_percent, high_percent}, ...].
    """
    points = result.get("series")
    if not isinstance(points, list | tuple) or len(points) < 2:
        return None
    years, capacity, low, high = ([p.get(name) for p in points] for name in
                                  ("year", "capacity_percent", "low_percent", "high_percent"))
    if None in years or None in capacity:
        return None
    figure = _stacked(1, "years from now", panel_px=280)
    banded = None not in low and None not in high
    between = " (%{customdata[0]:.1f} to %{customdata[1]:.1f})" if banded else ""
    if banded:
        figure.add_scatter(x=years + years[::-1], y=high + low[::-1], fill="toself", mode="lines", line_width=0,
                           fillcolor="rgba(13,148,136,0.16)", hoverinfo="skip", name="band")
    figure.add_scatter(x=years, y=capacity, mode="lines", line={"color": "#0d9488", "width": 2.5}, name="capacity",
                       customdata=list(zip(low, high, strict=True)) if banded else None,
                       hovertemplate=f"%{{y:.1f}} %{between}<extra></extra>")
    figure.add_hline(y=END_OF_LIFE_PERCENT, line={"color": LIMIT, "width": 1.3, "dash": "dash"})
    figure.add_annotation(x=0, xref="x domain", y=END_OF_LIFE_PERCENT, yshift=8, xanchor="left", xshift=4,
                          showarrow=False, text=f"{END_OF_LIFE_PERCENT} % of new", font={"size": 10, "color": LIMIT})
    _title(figure, 1, "Capacity", "% of new" + (", with its 90 % band" if banded else ""), "#0d9488")
    values = capacity + (low + high if banded else [])
    figure.update_yaxes(range=[min(*values, END_OF_LIFE_PERCENT) - 2, max(values) + 2])
    return figure


def limit_of(result: dict[str, Any], name: str) -> float | None:
    """A limit's number: result["limits"][name], given as a number or as {"value": number, ...}."""
    value = (result.get("limits") or {}).get(name)
    value = value.get("value") if isinstance(value, dict) else value
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _stacked(rows: int, x_title: str, panel_px: int = PANEL_PX):
    from plotly.subplots import make_subplots

    height = rows * panel_px + TOP_PX + BOTTOM_PX
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=min(0.3, 34 / height))
    figure.update_layout(
        height=height, margin={"l": 44, "r": 12, "t": TOP_PX, "b": BOTTOM_PX}, showlegend=False, dragmode=False,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", hovermode="x unified", template="none",
        font={"family": FONT, "size": 11, "color": INK}, hoverlabel={"font": {"size": 11}})
    figure.update_xaxes(gridcolor=GRID, zeroline=False, fixedrange=True, ticks="", color=INK)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, fixedrange=True, ticks="", nticks=4, color=INK)
    figure.update_xaxes(title={"text": x_title, "font": {"size": 11}, "standoff": 8}, row=rows, col=1)
    return figure


def _curve(figure, row: int, panel: Panel, minutes: list, values: list, soc: list) -> None:
    known_soc = soc and soc[0] is not None
    note = " at %{customdata:.0f} % charge" if known_soc and row == 1 else ""
    figure.add_scatter(
        x=minutes, y=values, customdata=soc, mode="lines", name=panel.title, row=row, col=1,
        line={"color": panel.colour, "width": 2.5, "shape": panel.shape},
        hovertemplate=f"%{{y:.3~g}} {panel.unit}{note}<extra></extra>")


def _limit_line(figure, row: int, panel: Panel, label: str, value: float | None) -> None:
    if value is None:
        return
    figure.add_hline(y=value, row=row, col=1, line={"color": LIMIT, "width": 1.3, "dash": "dash"})
    axis = "" if row == 1 else str(row)
    curve = [t.y for t in figure.data if t.yaxis == f"y{axis}" and t.name == panel.title][0]
    left = abs(curve[0] - value) > abs(curve[-1] - value)  # the label stands where the curve is farther away
    figure.add_annotation(
        x=0 if left else 1, xref=f"x{axis} domain", y=value, yref=f"y{axis}", yshift=7, xshift=4 if left else 0,
        xanchor="left" if left else "right", showarrow=False, text=f"{label} {value:g} {panel.unit}",
        font={"size": 10, "color": LIMIT})


def _range(figure, row: int, from_zero: bool) -> None:
    """Room for curve and limit, and for the limit's label above it."""
    axis = "" if row == 1 else str(row)
    values = [v for t in figure.data if t.yaxis == f"y{axis}" for v in t.y if v is not None]
    values += [s.y0 for s in figure.layout.shapes if s.yref == f"y{axis}"]
    span = max(values) - min(values) or abs(max(values)) or 1
    if from_zero:
        span = max(values) or 1
    low = 0 if from_zero or 0 <= min(values) < span else min(values) - 0.08 * span
    figure.update_yaxes(range=[low, max(values) + 0.24 * span], row=row, col=1)


def _plating_floor(figure, row: int) -> None:
    """Below 0 V against lithium, metal plates on the anode: that half is shaded."""
    axis = "" if row == 1 else str(row)
    figure.add_shape(type="rect", xref=f"x{axis} domain", yref=f"y{axis}", x0=0, x1=1, y0=-1, y1=0, line_width=0,
                     fillcolor="rgba(229,56,59,0.10)", layer="below")
    figure.add_annotation(x=1, xref=f"x{axis} domain", y=0, yref=f"y{axis} domain", xanchor="right", yanchor="bottom",
                          showarrow=False, text="lithium plating", font={"size": 10, "color": LIMIT})
    values = [v for trace in figure.data if trace.yaxis == f"y{axis}" for v in trace.y if v is not None]
    figure.update_yaxes(range=[min(-0.02, *values) - 0.01, max(values) * 1.12 + 0.01], row=row, col=1)


def _panel_title(figure, row: int, panel: Panel) -> None:
    _title(figure, row, panel.title, panel.unit, panel.colour)


def _title(figure, row: int, title: str, unit: str, colour: str) -> None:
    axis = "" if row == 1 else str(row)
    figure.add_annotation(
        x=0, xref=f"x{axis} domain", y=1, yref=f"y{axis} domain", xanchor="left", yanchor="bottom", showarrow=False,
        text=f"<b>{title}</b>  <span style='color:{MUTED}'>{unit}</span>", font={"size": 12, "color": colour})


def _thin(values: list) -> list:
    """Every n-th value so that a long series stays light; the last one is kept."""
    step = max(1, -(-len(values) // MAX_POINTS))
    thinned = list(values[::step])
    if (len(values) - 1) % step:
        thinned.append(values[-1])
    return thinned
