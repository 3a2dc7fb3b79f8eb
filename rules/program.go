package rules

import (
	"encoding/binary"
	"regexp"
	"slices"
	"sort"

	"github.com/weirhq/weir/ledger"
)

// program is the conditions of a set, compiled: expressions that several rules, or one rule several times, write down
// stand in it once, and are evaluated at most once for a decision. It never changes after it is built.
type program struct {
	nodes []node
	slots []slot
	worst map[int32]uint64 // the cost of conditions, by CEL's estimate of the worst case
	rates *rates
}

// op is what a node does.
type op uint8

const (
	// True or false.
	opConstant op = iota // number: 1 is true
	opTruth              // slot
	opAnd                // more.terms
	opOr                 // more.terms
	opNot                // a
	opSame               // a and b are both true or both false; relation: equal, notEqual
	opKnown              // slot
	opTexts              // texts a and b in a relation
	opTextIs             // the text in slot is, or is not, text
	opTextIn             // text a is one of more.texts
	opListed             // text a is in more.list
	opPrefix             // text a begins with text b
	opSuffix             // text a ends with text b
	opContains           // text a contains text b
	opMatches            // text a matches more.pattern
	opNumbers            // numbers a and b in a relation
	opNumberIs           // the number in slot and number in a relation
	opNumberIn           // number a is one of more.numbers
	opMoney              // amounts a and b in a relation
	// Texts.
	opText     // text
	opTextSlot // slot
	// Numbers: counts, and times in seconds.
	opNumber     // number
	opNumberSlot // slot
	opSize       // characters of text a
	opNegate     // -a
	opAdd
	opSubtract
	opMultiply
	opDivide
	opModulo
	// Amounts.
	opAmount     // more.money
	opAmountSlot // slot
	opAmountSum  // a + b
	opAmountIn   // amount a in the currency text
	opLimit      // more.limit
)

// relation is how two values are compared.
type relation uint8

const (
	equal relation = iota
	notEqual
	less
	lessEqual
	greater
	greaterEqual
)

// holds tells whether a relation holds where a compares to b as order says: negative, zero or positive.
func (r relation) holds(order int) bool {
	switch r {
	case equal:
		return order == 0
	case notEqual:
		return order != 0
	case less:
		return order < 0
	case lessEqual:
		return order <= 0
	case greater:
		return order > 0
	}
	return order >= 0
}

// node is one expression. What it does not need is zero.
type node struct {
	op       op
	relation relation
	slot     int32
	a, b     int32 // nodes
	number   int64
	text     string
	more     *more
}

// more is what few nodes need.
type more struct {
	terms   []int32 // cheapest first
	written []int32 // the terms in the order in which they are written
	texts   []string
	numbers []int64
	list    *List
	pattern *regexp.Regexp
	money   ledger.Money
	limit   *limit
}

// builder makes a program. Equal expressions become one node.
type builder struct {
	program
	known map[nodeKey]int32
	slot  map[string]int32 // by name
	costs []int            // by node
}

// nodeKey is what makes two nodes the same.
type nodeKey struct {
	node
	list  *List
	limit *limit
	money ledger.Money
	rest  string // terms, texts and numbers
}

func newBuilder() *builder {
	return &builder{program: program{worst: map[int32]uint64{}}, known: map[nodeKey]int32{}, slot: map[string]int32{}}
}

// add is the place of a node, which is new or stands in the program already.
func (b *builder) add(n node) int32 {
	key := nodeKey{node: n}
	key.more = nil
	if m := n.more; m != nil {
		key.list, key.limit, key.money = m.list, m.limit, m.money
		key.rest = m.key()
	}
	if at, ok := b.known[key]; ok {
		return at
	}
	at := int32(len(b.nodes))
	b.nodes = append(b.nodes, n)
	b.costs = append(b.costs, b.cost(n))
	b.known[key] = at
	return at
}

func (m *more) key() string {
	var key []byte
	for _, t := range m.written {
		key = binary.AppendVarint(key, int64(t))
	}
	for _, t := range m.texts {
		key = append(binary.AppendVarint(key, int64(len(t))), t...)
	}
	for _, n := range m.numbers {
		key = binary.AppendVarint(key, n)
	}
	if m.pattern != nil {
		key = append(key, m.pattern.String()...)
	}
	return string(key)
}

// join is and, or or of terms as they are written. Cheap terms are evaluated first, and of those that cost the same the
// ones that are likely to decide: which of them does changes nothing, because CEL's && and || are the same in any order
// but for which error is told.
func (b *builder) join(o op, terms []int32) int32 {
	m := &more{terms: slices.Clone(terms), written: terms}
	sort.SliceStable(m.terms, func(i, j int) bool {
		s, t := m.terms[i], m.terms[j]
		if b.costs[s] != b.costs[t] {
			return b.costs[s] < b.costs[t]
		}
		if o == opOr {
			s, t = t, s
		}
		return b.nodes[s].likely() < b.nodes[t].likely()
	})
	return b.add(node{op: o, more: m})
}

// likely ranks conditions by how often conditions of their form are true: few payments have a certain value, and most have
// the fields that rules ask for.
func (n *node) likely() int {
	switch {
	case n.op == opTextIn || n.op == opListed || n.op == opNumberIn || n.op == opTextIs && n.relation == equal:
		return 0
	case n.op == opKnown || n.op == opTextIs:
		return 2
	}
	return 1
}

// cost is about how long a node takes, in nanoseconds.
func (b *builder) cost(n node) int {
	own := map[op]int{opNumberIs: 2, opTextIn: 8, opListed: 30, opPrefix: 3, opSuffix: 3, opContains: 20, opMatches: 200, opSize: 10, opAmountIn: 40}[n.op]
	switch n.op {
	case opConstant, opTruth, opKnown, opTextIs, opText, opTextSlot, opNumber, opNumberSlot, opAmount, opAmountSlot, opLimit:
		return 1
	case opNumberIs:
		return own + 1
	case opAnd, opOr:
		for _, t := range n.more.terms {
			own += b.costs[t]
		}
		return own
	case opNot, opTextIn, opListed, opMatches, opNumberIn, opSize, opNegate, opAmountIn:
		return own + 1 + b.costs[n.a]
	}
	return own + 1 + b.costs[n.a] + b.costs[n.b]
}
