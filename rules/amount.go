package rules

import (
	"math"

	"github.com/weirhq/weir/ledger"
)

// compareAmounts compares a field or a sum with another, a constant or a limit. Amounts of different currencies are
// neither equal nor in any order: comparing them is missing data, so that the rule's on_missing decides.
func (m *machine) compareAmounts(n *node) truth {
	left, right := &m.nodes[n.a], &m.nodes[n.b]
	a, ta := m.amount(left)
	b, tb := m.amount(right)
	t := both(ta, tb)
	if n.relation == equal {
		t = bothForEquality(ta, tb)
	}
	if t != yes {
		return t
	}
	switch {
	case left.op == opLimit:
		minor, ok := left.more.limit.amounts[b.Currency]
		if !ok {
			return absent
		}
		a = ledger.Money{Minor: minor, Currency: b.Currency}
	case right.op == opLimit:
		minor, ok := right.more.limit.amounts[a.Currency]
		if !ok {
			return absent
		}
		b = ledger.Money{Minor: minor, Currency: a.Currency}
	case a.Currency != b.Currency:
		return absent
	}
	switch {
	case a.Minor < b.Minor:
		return truthOf(n.relation.holds(-1))
	case a.Minor > b.Minor:
		return truthOf(n.relation.holds(1))
	}
	return truthOf(n.relation.holds(0))
}

// amount is a field's, a constant's, a sum's or one that is converted; nothing of a limit, which has one for each currency.
func (m *machine) amount(n *node) (ledger.Money, truth) {
	switch n.op {
	case opAmount:
		return n.more.money, yes
	case opAmountSlot:
		if v := &m.values[n.slot]; v.known {
			return v.money(), yes
		}
		return ledger.Money{}, absent
	case opAmountIn:
		a, t := m.amount(&m.nodes[n.a])
		if t != yes {
			return ledger.Money{}, t
		}
		to := ledger.Currency(n.text)
		minor, ok := m.rates.convert(a, to, m.now)
		if !ok {
			return ledger.Money{}, absent
		}
		return ledger.Money{Minor: minor, Currency: to}, yes
	case opAmountSum:
		a, ta := m.amount(&m.nodes[n.a])
		b, tb := m.amount(&m.nodes[n.b])
		switch t := both(ta, tb); {
		case t != yes:
			return ledger.Money{}, t
		case a.Currency != b.Currency:
			return ledger.Money{}, absent
		case b.Minor > 0 && a.Minor > math.MaxInt64-b.Minor || b.Minor < 0 && a.Minor < math.MinInt64-b.Minor:
			return ledger.Money{}, overflow
		}
		return ledger.Money{Minor: a.Minor + b.Minor, Currency: a.Currency}, yes
	}
	return ledger.Money{}, yes
}
