package rules

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/traits"

	"github.com/weirhq/weir/ledger"
)

// list("x"), limit("x"), money("1.00 EUR") and duration("24h") are expanded to variables with these prefixes while parsing, so that
// evaluating them is a look-up of a value that was built once.
const (
	listPrefix  = "@list:"
	limitPrefix = "@limit:"
	moneyPrefix = "@money:"

	durationPrefix = "@duration:"
)

// maxCost bounds a condition by CEL's own estimate of the worst case. There are no loops in conditions, so the estimate
// is a true bound and nothing has to be counted while evaluating.
const maxCost = 5_000

// What amounts, times and lists are to the type checker.
var (
	moneyType    = types.NewObjectType("money", traits.ComparerType|traits.AdderType)
	durationType = types.NewObjectType("duration", traits.ComparerType)
	listType     = types.NewObjectType("list of values", traits.ContainerType)
)

// newEnvironment is CEL with our fields and functions and without macros: no loops, no has(). It parses, checks types and
// estimates costs; what it has checked is evaluated by a program.
func newEnvironment(fields []Field) (*cel.Env, error) {
	opts := []cel.EnvOption{
		cel.StdLib(), cel.ClearMacros(),
		cel.Macros(
			cel.GlobalMacro("list", 1, nameMacro("list", listPrefix)),
			cel.GlobalMacro("limit", 1, nameMacro("limit", limitPrefix)),
			cel.GlobalMacro("money", 1, moneyMacro),
			cel.GlobalMacro("duration", 1, durationMacro),
		),
		cel.ParserExpressionSizeLimit(maxWhen),
		cel.ParserRecursionLimit(64),
		cel.Function("to", cel.MemberOverload("money_to_currency", []*cel.Type{moneyType, cel.StringType}, moneyType)),
		cel.Function("known", cel.Overload("known_any", []*cel.Type{cel.TypeParamType("T")}, cel.BoolType)),
		cel.Function(operators.Add, cel.Overload("add_money", []*cel.Type{moneyType, moneyType}, moneyType)),
		cel.Function(operators.In, cel.Overload("in_list_of_values", []*cel.Type{cel.StringType, listType}, cel.BoolType)),
	}
	for _, op := range []string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals} {
		opts = append(opts, cel.Function(op, cel.Overload("money"+op, []*cel.Type{moneyType, moneyType}, cel.BoolType),
			cel.Overload("duration"+op, []*cel.Type{durationType, durationType}, cel.BoolType)))
	}
	for _, f := range fields {
		opts = append(opts, cel.Variable(f.Name, f.celType()))
	}
	env, err := cel.NewCustomEnv(opts...)
	if err != nil {
		return nil, fmt.Errorf("set up the rule language: %w", err)
	}
	return env, nil
}

func (f Field) celType() *cel.Type {
	switch f.Type {
	case TypeMoney:
		return moneyType
	case TypeNumber:
		return cel.IntType
	case TypeTexts:
		return cel.MapType(cel.StringType, cel.StringType)
	case TypeDuration:
		return durationType
	}
	return cel.StringType
}

// nameMacro expands list("x") or limit("x").
func nameMacro(function, prefix string) cel.MacroFactory {
	return func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		name, ok := textLiteral(args[0])
		if !ok {
			return nil, f.NewError(args[0].ID(), fmt.Sprintf("%s() takes a name in quotes", function))
		}
		return f.NewIdent(prefix + name), nil
	}
}

// moneyMacro expands money("1.00 EUR") after checking the amount.
func moneyMacro(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	text, ok := textLiteral(args[0])
	if !ok {
		return nil, f.NewError(args[0].ID(), `money() takes an amount in quotes, such as money("250.00 EUR")`)
	}
	m, err := ledger.ParseMoney(text)
	if err != nil {
		return nil, f.NewError(args[0].ID(), err.Error())
	}
	return f.NewIdent(moneyPrefix + m.String()), nil
}

// durationMacro expands duration("24h") after checking it.
func durationMacro(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	text, ok := textLiteral(args[0])
	if !ok {
		return nil, f.NewError(args[0].ID(), `duration() takes a time in quotes, such as duration("24h")`)
	}
	if _, err := parseDuration(text); err != nil {
		return nil, f.NewError(args[0].ID(), err.Error())
	}
	return f.NewIdent(durationPrefix + text), nil
}

func textLiteral(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// constantType is the type of a variable that a macro made.
func constantType(name string) *cel.Type {
	if strings.HasPrefix(name, listPrefix) {
		return listType
	}
	if strings.HasPrefix(name, durationPrefix) {
		return durationType
	}
	return moneyType
}
