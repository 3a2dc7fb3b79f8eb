package rules

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// machine evaluates a program on one input. It is used again for the next, without allocating; one goroutine at a time.
type machine struct {
	*program
	values []value
	memo   []truth // by node
	now    int64   // Unix nanoseconds

	edits  *Edits // of lists
	tenant string // whose edits count

	probing bool // nothing is known, not even whether it is
}

// truth is what CEL's logic makes of a condition: besides true and false it may be missing (CEL: unknown), or one of the
// errors. For numbers and texts, yes is that there is one.
type truth uint8

const (
	unset truth = iota // not evaluated yet
	no
	yes
	absent
	overflow
	dividedByZero
	moduloZero
)

// failures are the texts of the errors.
var failures = [...]string{overflow: "integer overflow", dividedByZero: "division by zero", moduloZero: "modulus by zero"}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func newMachine(p *program) *machine {
	return &machine{program: p, values: make([]value, len(p.slots)), memo: make([]truth, len(p.nodes))}
}

// begin reads the values of an input.
func (m *machine) begin(in *Input) {
	m.now, m.edits, m.tenant = nanoseconds(in.Now), in.Edits, in.tenant()
	for i := range m.slots {
		m.values[i] = m.slots[i].load(in)
	}
	clear(m.memo)
}

// end lets go of the input.
func (m *machine) end() {
	clear(m.values)
	m.edits = nil
}

// truth is the value of a condition.
func (m *machine) truth(at int32) truth {
	if t := m.memo[at]; t != unset {
		return t
	}
	t := m.compute(&m.nodes[at])
	m.memo[at] = t
	return t
}

func (m *machine) compute(n *node) truth {
	switch n.op {
	case opConstant:
		return truthOf(n.number == 1)
	case opAnd:
		return m.join(n.more, no, yes)
	case opOr:
		return m.join(n.more, yes, no)
	case opNot:
		switch t := m.truth(n.a); t {
		case yes:
			return no
		case no:
			return yes
		default:
			return t
		}
	case opKnown:
		if m.probing {
			return absent
		}
		return truthOf(m.values[n.slot].known)
	case opTextIs:
		v := &m.values[n.slot]
		if !v.known {
			return absent
		}
		return truthOf((v.text == n.text) == (n.relation == equal))
	case opTruth:
		v := &m.values[n.slot]
		if !v.known {
			return absent
		}
		return truthOf(v.number == 1)
	case opSame:
		a, b := m.truth(n.a), m.truth(n.b)
		if t := bothForEquality(settled(a), settled(b)); t != yes {
			return t
		}
		return truthOf((a == b) == (n.relation == equal))
	case opNumberIs:
		v := &m.values[n.slot]
		if !v.known {
			return absent
		}
		return n.relation.ofNumbers(v.number, n.number)
	case opNumbers:
		return m.compareNumbers(n)
	case opNumberIn:
		a, t := m.number(n.a)
		if t != yes {
			return t
		}
		return truthOf(slices.Contains(n.more.numbers, a))
	case opMoney:
		return m.compareAmounts(n)
	}
	return m.ofText(n)
}

// join is && (decider no) or || (decider yes). A term that decides does so whatever the others are; else missing goes
// before errors, and the error is that of the first term as written.
func (m *machine) join(terms *more, decider, other truth) truth {
	result := other
	for _, t := range terms.terms {
		switch v := m.truth(t); {
		case v == decider:
			return v
		case v == other || result == absent:
		default:
			if v == absent || result == other {
				result = v
			}
		}
	}
	if result < overflow {
		return result
	}
	for _, t := range terms.written {
		if v := m.truth(t); v >= overflow {
			return v
		}
	}
	return result
}

// settled is yes for what is true or false.
func settled(t truth) truth {
	if t == no {
		return yes
	}
	return t
}

// both is what CEL's functions make of two operands: the first error from the left, but nothing on the right of what is
// missing is looked at for one.
func both(a, b truth) truth {
	if a != yes {
		return a
	}
	return b
}

// bothForEquality is both for == and !=: an error on either side goes before what is missing.
func bothForEquality(a, b truth) truth {
	switch {
	case a >= overflow:
		return a
	case b >= overflow:
		return b
	case a == absent:
		return a
	}
	return b
}

// operands is both or bothForEquality, as the comparison wants.
func (r relation) operands(a, b truth) truth {
	if r == equal || r == notEqual {
		return bothForEquality(a, b)
	}
	return both(a, b)
}

// textOf is the value of a text.
func (m *machine) textOf(at int32) (string, truth) {
	n := &m.nodes[at]
	if n.op == opText {
		return n.text, yes
	}
	v := &m.values[n.slot]
	if !v.known {
		return "", absent
	}
	return v.text, yes
}

// ofText is a condition on texts.
func (m *machine) ofText(n *node) truth {
	a, t := m.textOf(n.a)
	switch n.op {
	case opTextIn, opListed, opMatches:
		if t != yes {
			return t
		}
		switch n.op {
		case opTextIn:
			return truthOf(slices.Contains(n.more.texts, a))
		case opListed:
			return m.listed(n.more.list, a)
		}
		return truthOf(n.more.pattern.MatchString(a))
	}
	b, u := m.textOf(n.b)
	if t := both(t, u); t != yes {
		return t
	}
	switch n.op {
	case opPrefix:
		return truthOf(strings.HasPrefix(a, b))
	case opSuffix:
		return truthOf(strings.HasSuffix(a, b))
	case opContains:
		return truthOf(strings.Contains(a, b))
	}
	return truthOf(n.relation.holds(strings.Compare(a, b)))
}

// listed looks a value up in a list, as it was edited.
func (m *machine) listed(l *List, value string) truth {
	if o, edited := m.edits.over(l, m.tenant); edited {
		return o.lookUp(value, m.now)
	}
	return l.lookUp(value, m.now)
}

func (m *machine) compareNumbers(n *node) truth {
	a, t := m.number(n.a)
	b, u := m.number(n.b)
	if t := n.relation.operands(t, u); t != yes {
		return t
	}
	return n.relation.ofNumbers(a, b)
}

// ofNumbers tells whether two numbers are in the relation.
func (r relation) ofNumbers(a, b int64) truth {
	switch {
	case a < b:
		return truthOf(r.holds(-1))
	case a > b:
		return truthOf(r.holds(1))
	}
	return truthOf(r.holds(0))
}

// number is the value of a number.
func (m *machine) number(at int32) (int64, truth) {
	n := &m.nodes[at]
	switch n.op {
	case opNumber:
		return n.number, yes
	case opNumberSlot:
		v := &m.values[n.slot]
		if !v.known {
			return 0, absent
		}
		return v.number, yes
	case opSize:
		text, t := m.textOf(n.a)
		return int64(utf8.RuneCountInString(text)), t
	case opNegate:
		a, t := m.number(n.a)
		if t == yes && a == math.MinInt64 {
			return 0, overflow
		}
		return -a, t
	}
	a, t := m.number(n.a)
	b, u := m.number(n.b)
	if t := both(t, u); t != yes {
		return 0, t
	}
	return calculate(n.op, a, b)
}

// calculate is CEL's arithmetic, which never wraps.
func calculate(o op, a, b int64) (int64, truth) {
	switch o {
	case opAdd:
		if sum := a + b; (sum > a) == (b > 0) {
			return sum, yes
		}
	case opSubtract:
		if difference := a - b; (difference < a) == (b > 0) {
			return difference, yes
		}
	case opMultiply:
		if a == 0 || b == 0 {
			return 0, yes
		}
		product := a * b
		if product/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64) {
			return product, yes
		}
	case opDivide:
		if b == 0 {
			return 0, dividedByZero
		}
		if a != math.MinInt64 || b != -1 {
			return a / b, yes
		}
	case opModulo:
		if b == 0 {
			return 0, moduloZero
		}
		if a != math.MinInt64 || b != -1 {
			return a % b, yes
		}
	}
	return 0, overflow
}
