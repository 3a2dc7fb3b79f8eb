package rules

import (
	"fmt"
	"math/big"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/weirhq/weir/ledger"
)

// naiveTo makes a function of payment.amount.to("EUR") that is given the rates and the time.
var naiveTo = []cel.EnvOption{
	cel.Variable("@rates", cel.DynType),
	cel.Macros(cel.ReceiverMacro("to", 1, func(f cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		return f.NewCall("naive_to", target, args[0], f.NewIdent("@rates")), nil
	})),
	cel.Function("naive_to", cel.Overload("naive_to_currency", []*cel.Type{moneyType, cel.StringType, cel.DynType}, moneyType,
		cel.FunctionBinding(func(args ...ref.Val) ref.Val {
			m, to := args[0].(naiveMoney), ledger.Currency(args[1].(types.String))
			if minor, ok := args[2].(naiveRates).convert(m.Money, to); ok {
				return naiveMoney{m.field, ledger.Money{Minor: minor, Currency: to}}
			}
			return unknown(fmt.Sprintf("a rate from %s to %s", m.Currency, to))
		}))),
}

// naiveRates are rates at a moment. To CEL they are a text.
type naiveRates struct {
	types.String
	rates *rates
	now   time.Time
}

// convert looks at every rate of the table, and counts in fractions of any size.
func (n naiveRates) convert(m ledger.Money, to ledger.Currency) (int64, bool) {
	if m.Currency == to {
		return m.Minor, true
	}
	if n.now.IsZero() || n.rates == nil {
		return 0, false
	}
	rate := n.rate(m.Currency, to)
	if rate == nil {
		first, second := n.rate(m.Currency, n.rates.base), n.rate(n.rates.base, to)
		if first == nil || second == nil {
			return 0, false
		}
		rate = new(big.Rat).Mul(first, second)
	}
	less, _ := m.Currency.Exponent()
	more, _ := to.Exponent()
	amount := new(big.Rat).SetFrac(big.NewInt(m.Minor), powerOfTen(less))
	amount.Mul(amount.Mul(amount, rate), new(big.Rat).SetInt(powerOfTen(more)))
	// Half to even: of the two whole numbers around it, the nearer one, or the one that is even.
	below := new(big.Int).Div(amount.Num(), amount.Denom()) // towards minus infinity
	half := new(big.Rat).Sub(amount, new(big.Rat).SetInt(below)).Cmp(big.NewRat(1, 2))
	if half > 0 || half == 0 && below.Bit(0) == 1 {
		below.Add(below, big.NewInt(1))
	}
	return below.Int64(), below.IsInt64() && below.CmpAbs(new(big.Int).SetUint64(1<<63)) < 0
}

func powerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// rate is the one that holds, nil where there is none.
func (n naiveRates) rate(from, to ledger.Currency) *big.Rat {
	for _, turned := range []bool{false, true} {
		var found *big.Rat
		latest := ""
		for of, list := range n.rates.pairs {
			for _, d := range list {
				date, today := dateOf(d.day), n.now.UTC().Format(time.DateOnly)
				day, _ := time.Parse(time.DateOnly, date)
				gone := n.now.After(day.AddDate(0, 0, int(n.rates.maxAge)+1).Add(-1))
				if (of == exchange{from, to} || turned && of == exchange{to, from}) && date <= today && date > latest && !gone {
					latest = date
					found, _ = new(big.Rat).SetString(d.String())
				}
			}
		}
		if found != nil && turned {
			return found.Inv(found)
		}
		if found != nil {
			return found
		}
	}
	return nil
}
