"""Shapes, terms and descriptions that do not fit each other."""

from __future__ import annotations

from collections.abc import Iterator

from cadnet.paper.audit.finding import Finding
from cadnet.paper.reported import quote_text, stated

Shape = tuple[str, ...]


def product(first: Shape, second: Shape) -> Shape | None:
    """Shape of a matrix product in symbols; None where the inner sizes differ."""
    if first[-1] != second[0]:
        return None
    return first[:-1] + second[1:]


def low_rank() -> Iterator[Finding]:
    """Eqs. 15–16 and 20–21."""
    u, v, x = ("D", "r"), ("2L", "r"), ("D",)
    w = product(u, v[::-1])
    applied = product(w, x) if w else None
    other = product(product(v, u[::-1]) or (), x)
    yield Finding(
        "low-rank-shape",
        "eqs. 15-16, 20-21",
        "W = U Vᵀ can be applied as W x, and that is V Uᵀ x",
        "U ∈ R^{D×r}, V ∈ R^{2L×r}, x ∈ R^D (sections 3.3, 4.3)",
        f"U Vᵀ is {' × '.join(w or ())}; W x is {applied or 'not defined'} (unless D = 2L); "
        f"V Uᵀ x is {' × '.join(other or ())}: meant is the transpose of W",
        applied == ("2L",),
    )


def attention_terms() -> Iterator[Finding]:
    """Eqs. 12 and 14, by counting the places of a small cross."""
    t, h, w = 2, 3, 4
    u = (0, 1, 2)
    cross = {
        (i, j, k)
        for i in range(t)
        for j in range(h)
        for k in range(w)
        if sum(a != b for a, b in zip((i, j, k), u, strict=True)) <= 1
    }
    terms = len(range(t + h + w - 2 + 1))
    yield Finding(
        "attention-3d-terms",
        "eqs. 12 and 14",
        "the sum of eq. 14 has a term for each of the weights of eq. 12",
        "eq. 12: T + H + W − 2 weights; eq. 14: i from 0 to T + H + W − 2",
        f"T, H, W = {t}, {h}, {w}: a cross has {len(cross)} places, eq. 12 {t + h + w - 2} "
        f"weights, eq. 14 {terms} terms: one too many",
        terms == t + h + w - 2,
    )


def weight_decay() -> Iterator[Finding]:
    """Section 3's optimiser against eq. 24's term."""
    optimiser, term = stated("weight_decay"), stated("lambda_wd")
    yield Finding(
        "weight-decay-factor",
        "sections 3 and 4.4, eq. 24",
        "the term λ_wd ‖V‖² of the loss is the weight decay of the optimiser",
        f"{quote_text('weight_decay')}; {quote_text('lambda_wd')}",
        f"the term's gradient is 2 λ_wd V = {2 * term:g} V, the optimiser adds {optimiser:g} V: "
        "twice as much, and both are said to be applied",
        2 * term == optimiser,
    )


def cited_equation() -> Iterator[Finding]:
    """Section 6.2.2's joint loss."""
    cited, joint = int(stated("cited_equation")), int(stated("joint_equation"))
    prediction = int(stated("low_rank_equation"))
    yield Finding(
        "cited-equation",
        "section 6.2.2",
        f"eq. {cited} is the joint loss of landmarks and expressions",
        "; ".join(map(quote_text, ("cited_equation", "joint_equation", "low_rank_equation"))),
        f"eq. {prediction} is the low-rank prediction; the overall objective is eq. {joint}, the "
        "joint objective of section 6.1 comes after it",
        cited not in (prediction,) and cited >= joint,
    )


def mask_sparsity() -> Iterator[Finding]:
    """Section 7.5's two sparsities against section 3.2's construction."""
    drop, final = stated("sparsity_drop"), stated("sparsity_final")
    yield Finding(
        "mask-sparsity",
        "sections 3.2 and 7.5",
        "the final map P″, obtained from the drop mask P′ and the importance map, is zero wherever "
        "the drop mask is",
        f"{quote_text('sparsity_drop')}; {quote_text('sparsity_final')}",
        f"if P″ multiplies P′ by the map (a sigmoid: never zero), it is at least as sparse: "
        f"{final:g} % against {drop:g} %. {drop - final:.1f} % of the places would have come back; "
        "so it is no product, or sparsity means something else for P″ (a threshold is not given)",
        final >= drop,
    )


def words() -> Iterator[Finding]:
    """Descriptions of one thing in two places."""
    yield Finding(
        "differentiable",
        "sections 3.2 and 4.5",
        "all terms of eq. 25 are differentiable (section 4.5)",
        "P′ is thresholded and binarised, and dropped at random (section 3.2); its ℓ1 norm is a "
        "term (eq. 23)",
        "the derivative of a threshold is zero wherever it exists: γ′ ‖P′‖₁ moves no weight "
        "without a surrogate gradient, and none is named",
        False,
    )
    yield Finding(
        "pathways",
        "sections 3 and 3.2",
        "pathways B and C are described alike in both sections",
        "section 3: B has channel-wise attention, dropout mask and importance map, C is a clean "
        "identity path; section 3.2: B multiplies X with P′, C multiplies X with P″ and has the "
        "residual connection",
        "the importance map is in B by one and in C by the other; the channel attention that "
        "section 3.2 derives enters neither product there",
        False,
    )
    yield Finding(
        "menpo-on-300vw",
        "sections 5.1 and 5.3.4",
        "CAD-Net is trained on the target's training data alone, CAD-Net+ pretrained on Menpo "
        "(section 5.1)",
        "section 5.3.4: for 300VW “we pretrain on Menpo and then train on 300VW”, with rows for "
        "both in table 8",
        "by section 5.3.4 both rows of table 8 would be CAD-Net+",
        False,
    )


def findings() -> Iterator[Finding]:
    """All of this module."""
    yield from low_rank()
    yield from attention_terms()
    yield from weight_decay()
    yield from cited_equation()
    yield from mask_sparsity()
    yield from words()
