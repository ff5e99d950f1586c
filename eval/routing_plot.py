"""The routing figure: where each intent's tokens go beyond the load of all, and the information per layer."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

COLOURS = {"question": "#0d9488", "call": "#6366f1"}


def figure(found: Mapping[str, Any]):
    """A plotly figure: per part one heat map for every expert (intents by layers, percentage points above the load),
    below them mutual information per layer with the 95th percentile of shuffled intents."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    parts = found["parts"]
    experts = len(next(iter(parts.values()))["load_percent"][0])
    titles = [f"{part}, expert {e}" for part in parts for e in range(experts)] + ["mutual information"]
    drawn = make_subplots(rows=len(parts) + 1, cols=experts, subplot_titles=titles, horizontal_spacing=0.02,
                          shared_yaxes=True, specs=[[{}] * experts for _ in parts]
                          + [[{"colspan": experts}] + [None] * (experts - 1)])
    excess = {part: _excess(figures) for part, figures in parts.items()}
    limit = max(float(np.abs(values).max()) for values in excess.values()) or 1.0
    for row, (part, figures) in enumerate(parts.items(), start=1):
        for e in range(experts):
            drawn.add_trace(go.Heatmap(z=excess[part][:, :, e], y=figures["intents"], zmin=-limit, zmax=limit,
                                       colorscale="RdBu", zmid=0, showscale=row == 1 and e == experts - 1,
                                       colorbar={"title": "points<br>above load"}), row=row, col=e + 1)
    for part, figures in parts.items():
        for key, dash in (("information_bits", "solid"), ("shuffled_95_bits", "dot")):
            drawn.add_trace(go.Scatter(y=figures[key], name=f"{part}{'' if dash == 'solid' else ', shuffled 95 %'}",
                                       line={"color": COLOURS[part], "dash": dash}), row=len(parts) + 1, col=1)
    drawn.update_xaxes(title_text="layer", row=len(parts) + 1, col=1)
    drawn.update_yaxes(title_text="bits", row=len(parts) + 1, col=1)
    drawn.update_layout(title=f"Routing by intent: {found['n']} conversations, commit {found['commit']}",
                        height=340 * (len(parts) + 1), template="plotly_white")
    return drawn


def _excess(figures: Mapping[str, Any]) -> np.ndarray:
    """[intent, layer, expert] percentage points above the load of all tokens."""
    share = np.array([figures["share_percent"][intent] for intent in figures["intents"]])
    return share - np.array(figures["load_percent"])


def write(found: Mapping[str, Any], path: Path) -> None:
    """The figure as one HTML page that needs no network, written as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".tmp")
    figure(found).write_html(draft, include_plotlyjs=True)
    os.replace(draft, path)
