package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirhq/weir/ledger"
)

// lacking says what a condition that is absent lacks, in alphabetical order. It walks what the evaluation has left, so
// that evaluating itself makes no text.
func (m *machine) lacking(at int32) string {
	var names []string
	m.lacks(at, &names)
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// lacks adds what a node that is absent lacks: all that its absent operands do.
func (m *machine) lacks(at int32, names *[]string) {
	n := &m.nodes[at]
	switch n.op {
	case opTruth, opTextIs, opNumberIs, opTextSlot, opNumberSlot, opAmountSlot:
		if !m.values[n.slot].known {
			*names = append(*names, m.slots[n.slot].name)
		}
	case opAnd, opOr:
		for _, t := range n.more.terms {
			if m.truth(t) == absent {
				m.lacks(t, names)
			}
		}
	case opNot, opSize, opNegate, opTextIn, opMatches, opNumberIn:
		m.lacks(n.a, names)
	case opSame:
		for _, side := range []int32{n.a, n.b} {
			if m.truth(side) == absent {
				m.lacks(side, names)
			}
		}
	case opListed:
		if _, t := m.textOf(n.a); t == yes {
			*names = append(*names, n.more.list.lacks())
			return
		}
		m.lacks(n.a, names)
	case opAmountIn:
		if a, t := m.amount(&m.nodes[n.a]); t != yes {
			m.lacks(n.a, names)
		} else if _, t := m.amount(n); t != yes {
			*names = append(*names, withoutRate(a.Currency, ledger.Currency(n.text)))
		}
	case opMoney, opAmountSum:
		before := len(*names)
		m.lacks(n.a, names)
		m.lacks(n.b, names)
		if _, sum := m.amount(n); len(*names) == before && (n.op == opMoney || sum == absent) {
			*names = append(*names, m.incomparable(n.op, &m.nodes[n.a], &m.nodes[n.b]))
		}
	case opTexts, opPrefix, opSuffix, opContains:
		m.lacks(n.a, names)
		m.lacks(n.b, names)
	case opNumbers, opAdd, opSubtract, opMultiply, opDivide, opModulo:
		for _, side := range []int32{n.a, n.b} {
			if _, t := m.number(side); t == absent {
				m.lacks(side, names)
			}
		}
	}
}

// incomparable says why two amounts do not compare.
func (m *machine) incomparable(o op, left, right *node) string {
	if left.op == opAmount || left.op == opLimit {
		left, right = right, left
	}
	of, _ := m.amount(left)
	switch right.op {
	case opLimit:
		return withoutAmount(right.more.limit.name, string(of.Currency))
	case opAmount:
		return otherCurrency(o, m.amountName(left), string(of.Currency), right.more.money.String())
	}
	with, _ := m.amount(right)
	return otherCurrency(o, m.amountName(left), string(of.Currency), m.amountName(right)+" in "+string(with.Currency))
}

// amountName is what an amount that is not fixed is called.
func (m *machine) amountName(n *node) string {
	switch n.op {
	case opAmountSum:
		return "a sum"
	case opAmountIn:
		return m.amountName(&m.nodes[n.a])
	}
	return m.slots[n.slot].name
}

func withoutRate(from, to ledger.Currency) string {
	return fmt.Sprintf("a rate from %s to %s", from, to)
}

func withoutAmount(limit, currency string) string {
	return fmt.Sprintf("limit %q has no amount in %s", limit, currency)
}

func otherCurrency(o op, field, currency, with string) string {
	what := "compared with"
	if o == opAmountSum {
		what = "added to"
	}
	return fmt.Sprintf("%s is in %s and %s %s", field, currency, what, with)
}

// limit is one amount for each of several currencies.
type limit struct {
	name    string
	amounts map[ledger.Currency]int64
}
