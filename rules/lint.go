package rules

import (
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/weirhq/weir/ledger"
)

// This file finds conditions that are right for the type checker, and cannot be meant: comparisons that no value passes,
// or every value does, and terms that exclude each other.

// bound is one comparison of a field with a constant: field relation number, or field relation text.
type bound struct {
	field    string
	relation relation
	number   int64 // counts; seconds; minor units
	text     string
	currency ledger.Currency
	kind     kind
	at       ast.Expr
}

// turned is the relation with its sides exchanged.
var turned = map[relation]relation{equal: equal, notEqual: notEqual, less: greater, lessEqual: greaterEqual, greater: less, greaterEqual: lessEqual}

// boundOf reads a comparison of a field with a constant.
func (c *condition) boundOf(e ast.Expr) (b bound, f Field, ok bool) {
	if e.Kind() != ast.CallKind {
		return b, f, false
	}
	r, comparison := relations[e.AsCall().FunctionName()]
	args := e.AsCall().Args()
	if !comparison || len(args) != 2 {
		return b, f, false
	}
	left, right := args[0], args[1]
	name := ""
	if f, name, ok = c.operand(left); !ok {
		left, right, r = right, left, turned[r]
		if f, name, ok = c.operand(left); !ok {
			return b, f, false
		}
	}
	b = bound{field: name, relation: r, at: e}
	if b.field == "" || f.Type == TypeTexts {
		return b, f, false
	}
	if right.Kind() == ast.LiteralKind {
		switch v := right.AsLiteral().(type) {
		case types.Int:
			b.number, b.kind = int64(v), kindNumber
			return b, f, f.Type == TypeNumber
		case types.String:
			b.text, b.kind = string(v), kindText
			return b, f, f.Type == TypeText
		}
		return b, f, false
	}
	if text, found := strings.CutPrefix(dotted(right), durationPrefix); found {
		d, err := parseDuration(text)
		b.number, b.kind = int64(d/time.Second), kindNumber
		return b, f, err == nil && f.Type == TypeDuration
	}
	if text, found := strings.CutPrefix(dotted(right), moneyPrefix); found {
		m, err := ledger.ParseMoney(text)
		b.number, b.currency, b.kind = m.Minor, m.Currency, kindMoney
		return b, f, err == nil && f.Type == TypeMoney
	}
	return b, f, false
}

// operand is the field on one side of a comparison, with what it is called there. A converted amount is one in its
// currency.
func (c *condition) operand(e ast.Expr) (f Field, name string, ok bool) {
	if amount, currency, converted := conversionOf(e); converted {
		if f, ok = c.fieldOf(amount); ok {
			f.Name, f.Currency = fmt.Sprintf("%s.to(%q)", f.Name, currency), currency
		}
		return f, f.Name, ok
	}
	f, ok = c.fieldOf(e)
	return f, dotted(e), ok
}

// lint looks at every comparison and every chain of && and || in a condition.
func (c *condition) lint(e ast.Expr) {
	if e.Kind() != ast.CallKind {
		return
	}
	call := e.AsCall()
	switch function := call.FunctionName(); function {
	case operators.LogicalAnd, operators.LogicalOr:
		terms := chain(e, function, nil)
		c.chained(terms, function == operators.LogicalAnd)
		for _, t := range terms {
			c.lint(t)
		}
		return
	}
	if b, f, ok := c.boundOf(e); ok {
		c.single(b, f)
	}
	c.part(call)
	c.size(e)
	for _, a := range call.Args() {
		c.lint(a)
	}
}

func chain(e ast.Expr, function string, terms []ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != function {
		return append(terms, e)
	}
	for _, a := range e.AsCall().Args() {
		terms = chain(a, function, terms)
	}
	return terms
}

// single finds a comparison that comes out the same for every value.
func (c *condition) single(b bound, f Field) {
	if b.kind == kindMoney && f.Currency != "" && f.Currency != b.currency {
		c.fail(b.at, fmt.Sprintf("write the amount in %s", f.Currency), "%s is always in %s, so comparing it with %s is always missing data", f.Name, f.Currency, b.currency)
		return
	}
	if b.kind == kindText {
		return
	}
	// A value lies between 0 and most.
	most := int64(1<<63 - 1)
	if f.Type == TypeDuration && f.window > 0 {
		most = int64(f.window / time.Second)
	}
	never := b.relation == less && b.number <= 0 || b.relation == lessEqual && b.number < 0 || b.relation == equal && (b.number < 0 || b.number > most) ||
		b.relation == greater && b.number >= most || b.relation == greaterEqual && b.number > most
	always := b.relation == greaterEqual && b.number <= 0 || b.relation == greater && b.number < 0 || b.relation == notEqual && (b.number < 0 || b.number > most) ||
		b.relation == lessEqual && b.number >= most || b.relation == less && b.number > most
	hint := "it is 0 or more"
	if b.number > 0 {
		hint = fmt.Sprintf("its window is %s; older events are forgotten", shortDuration(f.window))
	}
	switch {
	case never:
		c.fail(b.at, hint, "no value of %s passes this comparison", f.Name)
	case always:
		c.fail(b.at, hint, "every value of %s passes this comparison", f.Name)
	}
}

// chained finds two terms of a chain that exclude each other under &&, or leave nothing out under ||.
func (c *condition) chained(terms []ast.Expr, and bool) {
	var bounds []bound
	for _, t := range terms {
		b, _, ok := c.boundOf(t)
		if !ok {
			continue
		}
		for _, other := range bounds {
			if other.field != b.field || other.kind != b.kind {
				continue
			}
			if other.currency != b.currency {
				if and {
					c.fail(b.at, "write both in one currency, use limit(\"name\"), or join them by ||",
						"%s is in one currency, so it cannot be compared with %s and with %s at once", b.field, other.currency, b.currency)
					return
				}
				continue
			}
			if and && excludes(other, b) {
				c.fail(b.at, "leave one of them out, or join them by ||", "this and an earlier term cannot both be true of %s", b.field)
				return
			}
			if !and && excludes(other.negated(), b.negated()) {
				c.fail(b.at, "leave one of them out, or join them by &&", "this or an earlier term is true of every %s", b.field)
				return
			}
		}
		bounds = append(bounds, b)
	}
}

var negations = map[relation]relation{equal: notEqual, notEqual: equal, less: greaterEqual, lessEqual: greater, greater: lessEqual, greaterEqual: less}

func (b bound) negated() bound {
	b.relation = negations[b.relation]
	return b
}

// excludes tells whether no value passes both comparisons.
func excludes(a, b bound) bool {
	if a.kind == kindText {
		switch {
		case a.relation == equal && b.relation == equal:
			return a.text != b.text
		case a.relation == equal && b.relation == notEqual, a.relation == notEqual && b.relation == equal:
			return a.text == b.text
		}
		return false
	}
	aLow, aHigh, aRange := a.between()
	bLow, bHigh, bRange := b.between()
	if !aRange || !bRange {
		return a.number == b.number && (a.relation == equal || b.relation == equal) && a.relation != b.relation
	}
	return max(aLow, bLow) > min(aHigh, bHigh)
}

// between are the least and the largest whole number that pass; ok is false for !=.
func (b bound) between() (low, high int64, ok bool) {
	low, high = -1<<62, 1<<62
	n := min(max(b.number, low), high)
	switch b.relation {
	case equal:
		return n, n, true
	case less:
		return low, n - 1, true
	case lessEqual:
		return low, n, true
	case greater:
		return n + 1, high, true
	case greaterEqual:
		return n, high, true
	}
	return 0, 0, false
}

// shortDuration writes a time as rule files do.
func shortDuration(d time.Duration) string {
	for _, unit := range []byte("dhm") {
		if size := durationUnits[unit]; d >= size && d%size == 0 {
			return fmt.Sprintf("%d%c", d/size, unit)
		}
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
