package rules

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/weirhq/weir/ledger"
)

// translator turns a condition that CEL has checked into nodes. CEL's types decide which; what has no node is a problem
// of the rule, never something that is evaluated otherwise.
type translator struct {
	*builder
	condition *condition
	checked   *ast.AST
	set       *Set
	fields    map[string]*Field
	reads     []int32 // slots, in the order in which the condition first names them
	converts  []int32 // nodes, likewise
}

// unsupported notes what cannot be evaluated. The node that is returned is never used: the condition has failed.
func (t *translator) unsupported(e ast.Expr, hint, format string, args ...any) int32 {
	t.condition.fail(e, hint, format, args...)
	return 0
}

const notInRules = "this part of CEL is not supported in a rule"

func (t *translator) typeOf(e ast.Expr) *types.Type { return t.checked.GetType(e.ID()) }

// expression is the node of any expression.
func (t *translator) expression(e ast.Expr) int32 {
	switch e.Kind() {
	case ast.LiteralKind:
		return t.literal(e, e.AsLiteral())
	case ast.IdentKind:
		return t.name(e, e.AsIdent())
	case ast.SelectKind:
		return t.field(e, dotted(e.AsSelect().Operand()), e.AsSelect().FieldName())
	case ast.CallKind:
		return t.call(e)
	case ast.ListKind:
		return t.unsupported(e, `write card.country in ["DE", "AT"]`, "a list stands only on the right of in")
	}
	return t.unsupported(e, "", notInRules)
}

func (t *translator) literal(e ast.Expr, v ref.Val) int32 {
	switch v := v.(type) {
	case types.String:
		return t.add(node{op: opText, text: string(v)})
	case types.Int:
		return t.add(node{op: opNumber, number: int64(v)})
	case types.Bool:
		n := node{op: opConstant}
		if v {
			n.number = 1
		}
		return t.add(n)
	}
	return t.unsupported(e, "", notInRules)
}

// name is a field, or a constant that a macro made.
func (t *translator) name(e ast.Expr, name string) int32 {
	if l, ok := strings.CutPrefix(name, limitPrefix); ok {
		for _, d := range t.set.limits {
			if d.Name == l {
				return t.add(node{op: opLimit, more: &more{limit: d.value}})
			}
		}
	}
	if text, ok := strings.CutPrefix(name, moneyPrefix); ok {
		if m, err := ledger.ParseMoney(text); err == nil {
			return t.add(node{op: opAmount, more: &more{money: m}})
		}
	}
	if text, ok := strings.CutPrefix(name, durationPrefix); ok {
		if d, err := parseDuration(text); err == nil {
			return t.add(node{op: opNumber, number: int64(d / time.Second)})
		}
	}
	return t.field(e, name, "")
}

// field is what a field holds; key is the name of one of several values.
func (t *translator) field(e ast.Expr, name, key string) int32 {
	at, ok := t.slotFor(e, name, key)
	if !ok {
		return 0
	}
	o := map[kind]op{kindText: opTextSlot, kindNumber: opNumberSlot, kindMoney: opAmountSlot}[t.slots[at].kind]
	return t.add(node{op: o, slot: at})
}

func (t *translator) slotFor(e ast.Expr, name, key string) (int32, bool) {
	f, ok := t.fields[name]
	if !ok {
		t.unsupported(e, "", notInRules)
		return 0, false
	}
	at, err := t.slotOf(f, key)
	if err != nil {
		t.unsupported(e, "", "%s", err)
		return 0, false
	}
	for _, have := range t.reads {
		if have == at {
			return at, true
		}
	}
	t.reads = append(t.reads, at)
	return at, true
}

// functionOps are the functions that need nothing but their operands.
var functionOps = map[string]op{
	operators.Add: opAdd, operators.Subtract: opSubtract, operators.Multiply: opMultiply, operators.Divide: opDivide,
	operators.Modulo: opModulo, "startsWith": opPrefix, "endsWith": opSuffix, "contains": opContains,
}

var relations = map[string]relation{
	operators.Equals: equal, operators.NotEquals: notEqual, operators.Less: less, operators.LessEquals: lessEqual,
	operators.Greater: greater, operators.GreaterEquals: greaterEqual,
}

func (t *translator) call(e ast.Expr) int32 {
	call := e.AsCall()
	args := call.Args()
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	function := call.FunctionName()
	if r, ok := relations[function]; ok && len(args) == 2 {
		return t.comparison(e, r, args[0], args[1])
	}
	switch function {
	case operators.LogicalAnd:
		return t.join(opAnd, t.terms(e, function, nil))
	case operators.LogicalOr:
		return t.join(opOr, t.terms(e, function, nil))
	case operators.LogicalNot:
		return t.add(node{op: opNot, a: t.expression(args[0])})
	case "known":
		name, key := fieldAndKey(args[0])
		at, _ := t.slotFor(args[0], name, key)
		return t.add(node{op: opKnown, slot: at})
	case operators.Index:
		name, key := fieldAndKey(e)
		return t.field(e, name, key)
	case operators.In:
		return t.membership(args[0], args[1])
	case "matches":
		text, _ := textLiteral(args[1])
		pattern, err := regexp.Compile(text)
		if err != nil {
			return t.unsupported(args[1], "", "%s", err)
		}
		return t.add(node{op: opMatches, a: t.expression(args[0]), more: &more{pattern: pattern}})
	case "to":
		if len(args) != 2 {
			return t.unsupported(e, "", notInRules)
		}
		currency, _ := textLiteral(args[1])
		at := t.add(node{op: opAmountIn, a: t.expression(args[0]), text: currency})
		if !slices.Contains(t.converts, at) {
			t.converts = append(t.converts, at)
		}
		return at
	case "size":
		if t.typeOf(args[0]).Kind() != types.StringKind {
			return t.unsupported(e, "write size(card.bin)", "size() is of a text")
		}
		return t.add(node{op: opSize, a: t.expression(args[0])})
	case operators.Negate:
		return t.add(node{op: opNegate, a: t.expression(args[0])})
	}
	o, ok := functionOps[function]
	if !ok || len(args) != 2 {
		return t.unsupported(e, "", notInRules)
	}
	if o == opAdd && t.typeOf(e).IsExactType(moneyType) {
		return t.sum(e, t.expression(args[0]), t.expression(args[1]))
	}
	if o >= opAdd && o <= opModulo && t.typeOf(e).Kind() != types.IntKind {
		return t.unsupported(e, "compare each value by itself", "%s works with numbers alone", functions[function])
	}
	return t.add(node{op: o, a: t.expression(args[0]), b: t.expression(args[1])})
}

// sum is one of two amounts.
func (t *translator) sum(e ast.Expr, a, b int32) int32 {
	if t.condition.failed {
		return 0
	}
	if t.nodes[a].op == opLimit || t.nodes[b].op == opLimit {
		return t.unsupported(e, "add to the other side of the comparison", "a limit is compared with, not added")
	}
	if t.fixed(a) && t.fixed(b) {
		return t.unsupported(e, "write the sum as one amount", "both amounts are fixed")
	}
	return t.add(node{op: opAmountSum, a: a, b: b})
}

// fixed tells whether an amount does not depend on the payment.
func (t *translator) fixed(at int32) bool {
	return t.nodes[at].op == opAmount || t.nodes[at].op == opLimit
}

// terms are the operands of a chain of && or ||, as written.
func (t *translator) terms(e ast.Expr, function string, terms []int32) []int32 {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != function {
		return append(terms, t.expression(e))
	}
	for _, a := range e.AsCall().Args() {
		terms = t.terms(a, function, terms)
	}
	return terms
}

// fieldAndKey is the field that an expression reads, and the name of one of its values.
func fieldAndKey(e ast.Expr) (field, key string) {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent(), ""
	case ast.SelectKind:
		return dotted(e.AsSelect().Operand()), e.AsSelect().FieldName()
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == operators.Index {
			key, _ := textLiteral(call.Args()[1])
			return dotted(call.Args()[0]), key
		}
	}
	return "", ""
}

// comparison compares two values of one type.
func (t *translator) comparison(e ast.Expr, r relation, left, right ast.Expr) int32 {
	kind := t.typeOf(left)
	if !kind.IsExactType(t.typeOf(right)) {
		return t.unsupported(e, "", "%s and %s do not compare", plainType(kind.String()), plainType(t.typeOf(right).String()))
	}
	n := node{relation: r, a: t.expression(left), b: t.expression(right)}
	if t.condition.failed {
		return 0
	}
	switch {
	case kind.Kind() == types.IntKind || kind.IsExactType(durationType):
		return t.comparedNumbers(n)
	case kind.Kind() == types.StringKind:
		return t.comparedTexts(n)
	case kind.Kind() == types.BoolKind && r <= notEqual:
		n.op = opSame
	case kind.IsExactType(moneyType):
		n.op = opMoney
		if t.fixed(n.a) && t.fixed(n.b) {
			return t.unsupported(e, "compare payment.amount with one of them", "both amounts are fixed, so comparing them never depends on the payment")
		}
	default:
		return t.unsupported(e, "compare with == or !=", "%s has no order", plainType(kind.String()))
	}
	return t.add(n)
}

// comparedNumbers is a comparison of numbers, with a node of its own for the most common one.
func (t *translator) comparedNumbers(n node) int32 {
	field, fixed := t.nodes[n.a], t.nodes[n.b]
	if field.op == opNumberSlot && fixed.op == opNumber {
		return t.add(node{op: opNumberIs, relation: n.relation, slot: field.slot, number: fixed.number})
	}
	n.op = opNumbers
	return t.add(n)
}

// comparedTexts is a comparison of texts, with a node of its own for the most common one.
func (t *translator) comparedTexts(n node) int32 {
	field, fixed := t.nodes[n.a], t.nodes[n.b]
	if field.op == opText {
		field, fixed = fixed, field
	}
	if n.relation <= notEqual && field.op == opTextSlot && fixed.op == opText {
		return t.add(node{op: opTextIs, relation: n.relation, slot: field.slot, text: fixed.text})
	}
	n.op = opTexts
	return t.add(n)
}

// membership is a value in a list of the condition or of the rule files.
func (t *translator) membership(left, right ast.Expr) int32 {
	if right.Kind() == ast.IdentKind {
		name, _ := strings.CutPrefix(right.AsIdent(), listPrefix)
		for _, l := range t.set.lists {
			if l.Name == name {
				return t.add(node{op: opListed, a: t.expression(left), more: &more{list: l}})
			}
		}
		return t.unsupported(right, "", notInRules)
	}
	kind := t.typeOf(left).Kind()
	var m more
	for _, element := range right.AsList().Elements() {
		switch v := element.AsLiteral().(type) {
		case types.String:
			if kind == types.StringKind {
				m.texts = append(m.texts, string(v))
				continue
			}
		case types.Int:
			if kind == types.IntKind {
				m.numbers = append(m.numbers, int64(v))
				continue
			}
		}
		return t.unsupported(element, "write values of one kind: texts in quotes, or numbers", "the list is searched for %s and holds something else", plainType(t.typeOf(left).String()))
	}
	if kind == types.StringKind {
		return t.add(node{op: opTextIn, a: t.expression(left), more: &m})
	}
	return t.add(node{op: opNumberIn, a: t.expression(left), more: &m})
}
