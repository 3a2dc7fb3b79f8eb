package rules

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// This file finds conditions on a part of a text, or on its length, that no value of the field can meet.

// part looks at a call such as card.bin.startsWith("4111").
func (c *condition) part(call ast.CallExpr) {
	switch call.FunctionName() {
	case "startsWith", "endsWith", "contains":
	default:
		return
	}
	if !call.IsMemberFunction() || len(call.Args()) != 1 {
		return
	}
	f, isField := c.fieldOf(call.Target())
	text, isText := textLiteral(call.Args()[0])
	if !isField || !isText || holdsCardNumber(text) {
		return
	}
	lower := strings.ToLower(text)
	_, longest := f.lengths()
	hint := ""
	switch {
	case f.Match == MatchIgnoreCase && f.literal != nil && text != lower:
		hint = fmt.Sprintf("it is always lower case here; write %q", lower)
	case (f.Name == "card.bin" || f.Name == "card.last4") && strings.Trim(text, "0123456789") != "":
		hint = "it is made of digits"
	case longest > 0 && len(text) > longest:
		hint = fmt.Sprintf("it has at most %d characters", longest)
	default:
		return
	}
	c.fail(call.Args()[0], hint, "no value of %s has %q in it", f.Name, text)
}

// lengths are how few and how many characters a value of the field has; 0 where that is not known.
func (f *Field) lengths() (least, most int) {
	switch {
	case f.Name == "card.bin":
		return 6, 8
	case f.Name == "card.last4":
		return 4, 4
	case strings.HasSuffix(f.Name, ".country"):
		return 2, 2
	case strings.HasSuffix(f.Name, ".currency"):
		return 3, 3
	}
	return 0, 0
}

// size looks at a comparison of a text's length with a number, such as size(card.bin) == 8.
func (c *condition) size(e ast.Expr) {
	relation, comparison := relations[e.AsCall().FunctionName()]
	args := e.AsCall().Args()
	if !comparison || len(args) != 2 {
		return
	}
	left, right := args[0], args[1]
	if left.Kind() == ast.LiteralKind {
		left, right, relation = right, left, turned[relation]
	}
	if left.Kind() != ast.CallKind || left.AsCall().FunctionName() != "size" || right.Kind() != ast.LiteralKind {
		return
	}
	of := left.AsCall().Target()
	if !left.AsCall().IsMemberFunction() {
		of = left.AsCall().Args()[0]
	}
	f, isField := c.fieldOf(of)
	number, isNumber := right.AsLiteral().(types.Int)
	least, most := f.lengths()
	if !isField || !isNumber || least == 0 {
		return
	}
	hint := fmt.Sprintf("it has %d to %d characters", least, most)
	if least == most {
		hint = fmt.Sprintf("it has %d characters", most)
	}
	b := bound{relation: relation, number: int64(number)}
	low, high, whole := b.between()
	if !whole { // !=
		low, high, _ = b.negated().between()
	}
	none, all := high < int64(least) || low > int64(most), low <= int64(least) && high >= int64(most)
	if !whole {
		none, all = all, none
	}
	switch {
	case none:
		c.fail(e, hint, "no value of %s passes this comparison", f.Name)
	case all:
		c.fail(e, hint, "every value of %s passes this comparison", f.Name)
	}
}
