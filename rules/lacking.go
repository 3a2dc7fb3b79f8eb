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
	case opTruth, opTextIs, opTextSlot, opNumberSlot, opAmountSlot:
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
	case opMoney:
		before := len(*names)
		m.lacks(n.a, names)
		m.lacks(n.b, names)
		if len(*names) == before {
			*names = append(*names, m.incomparable(&m.nodes[n.a], &m.nodes[n.b]))
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
func (m *machine) incomparable(left, right *node) string {
	if left.op != opAmountSlot {
		left, right = right, left
	}
	v := &m.values[left.slot]
	switch right.op {
	case opLimit:
		return withoutAmount(right.more.limit.name, v.text)
	case opAmountSlot:
		return otherCurrency(m.slots[left.slot].name, v.text, m.slots[right.slot].name+" in "+m.values[right.slot].text)
	}
	return otherCurrency(m.slots[left.slot].name, v.text, right.more.money.String())
}

func withoutAmount(limit, currency string) string {
	return fmt.Sprintf("limit %q has no amount in %s", limit, currency)
}

func otherCurrency(field, currency, with string) string {
	return fmt.Sprintf("%s is in %s and compared with %s", field, currency, with)
}

// limit is one amount for each of several currencies.
type limit struct {
	name    string
	amounts map[ledger.Currency]int64
}
