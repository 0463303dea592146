"""LaTeX as plain text, near enough to read."""

import pytest

from symlstm.emit.untex import untex


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\tilde{c}_t", "c̃_t"),
        (r"c_{t-1}", "c_{t-1}"),
        (r"W_f \cdot [h_{t-1},\, x_t]", "W_f · [h_{t-1}, x_t]"),
        (r"\frac{\partial c_t}{\partial c_{t-1}}", "∂c_t/∂c_{t-1}"),
        (r"\frac{1}{1 + \exp(-z)}", "1/(1 + exp(-z))"),
        (r"\mathrm{diag}\bigl(1 - \tanh^2(c_t)\bigr)", "diag(1 - tanh²(c_t))"),
        (r"\Gamma_f^{\langle t-1 \rangle}", "Γ_f⟨t-1⟩"),
        (r"W_f^{\top} \delta^{f}_t", "W_fᵀ δ^f_t"),
        (r"10^{-3}", "10⁻³"),
        (r"n \times (n+m)", "n × (n+m)"),
    ],
)
def test_untex(latex, text):
    import unicodedata

    assert untex(latex) == unicodedata.normalize("NFC", text)
