package rules

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/weirhq/weir/ledger"
)

// moneyType is what payment.amount, money("…") and limit("…") are to the type checker.
var moneyType = types.NewObjectType("money", traits.ComparerType)

// Amounts of different currencies are neither equal nor in any order: comparing them is missing data, so that the
// rule's on_missing decides. A limit has an amount in each currency it names, and compares by the one it needs.

// money is one amount.
type money struct{ ledger.Money }

// limit is one amount for each of several currencies.
type limit struct {
	name    string
	amounts map[ledger.Currency]int64
}

// Compare implements traits.Comparer.
func (m *money) Compare(other ref.Val) ref.Val {
	switch o := other.(type) {
	case *money:
		if m.Currency != o.Currency {
			return missing(differentCurrencies(m.Money, o.Money))
		}
		return order(m.Minor, o.Minor)
	case *limit:
		minor, ok := o.amounts[m.Currency]
		if !ok {
			return missing(o.without(m.Currency))
		}
		return order(m.Minor, minor)
	}
	return types.MaybeNoSuchOverloadErr(other)
}

// Equal implements ref.Val.
func (m *money) Equal(other ref.Val) ref.Val { return equalByOrder(m.Compare(other)) }

// Compare implements traits.Comparer.
func (l *limit) Compare(other ref.Val) ref.Val {
	m, ok := other.(*money)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	minor, ok := l.amounts[m.Currency]
	if !ok {
		return missing(l.without(m.Currency))
	}
	return order(minor, m.Minor)
}

// Equal implements ref.Val.
func (l *limit) Equal(other ref.Val) ref.Val { return equalByOrder(l.Compare(other)) }

func (l *limit) without(c ledger.Currency) string {
	return fmt.Sprintf("limit %q has no amount in %s", l.name, c)
}

func differentCurrencies(a, b ledger.Money) string {
	return fmt.Sprintf("an amount in %s is compared with %s", a.Currency, b)
}

func order(a, b int64) ref.Val {
	switch {
	case a < b:
		return types.IntNegOne
	case a > b:
		return types.IntOne
	}
	return types.IntZero
}

func equalByOrder(order ref.Val) ref.Val {
	if order == types.IntNegOne || order == types.IntOne {
		return types.False
	}
	if order == types.IntZero {
		return types.True
	}
	return order
}

func (m *money) Type() ref.Type                              { return moneyType }
func (m *money) Value() any                                  { return m.Money }
func (m *money) ConvertToType(t ref.Type) ref.Val            { return noConversion(moneyType, t) }
func (l *limit) Type() ref.Type                              { return moneyType }
func (l *limit) Value() any                                  { return l.name }
func (l *limit) ConvertToType(t ref.Type) ref.Val            { return noConversion(moneyType, t) }
func (m *money) ConvertToNative(t reflect.Type) (any, error) { return noNative(moneyType, t) }
func (l *limit) ConvertToNative(t reflect.Type) (any, error) { return noNative(moneyType, t) }

func noConversion(from, to ref.Type) ref.Val {
	return types.NewErr("%s does not convert to %s", from.TypeName(), to.TypeName())
}

func noNative(from ref.Type, to reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s does not convert to %s", from.TypeName(), to)
}

// missing is the value of what cannot be known; what says why, and stands in RuleResult.Detail.
func missing(what string) *types.Unknown {
	return types.NewUnknown(missingID(what), types.NewAttributeTrail(what))
}

// missingID tells different missing things apart where CEL merges them (FNV-1a, 63 bits).
func missingID(what string) int64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(what); i++ {
		h = (h ^ uint64(what[i])) * 1099511628211
	}
	return int64(h >> 1)
}
