package rules

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// naive evaluates a set the slow way: CEL's own interpreter over each rule's text, one after the other, with lists that
// are searched from end to end. What a program says is held to it.
type naive struct {
	set      *Set
	programs []cel.Program
}

func newNaive(s *Set) (*naive, error) {
	fields := Fields()
	for _, d := range s.velocity {
		fields = append(fields, velocityField(d))
	}
	env, err := newEnvironment(fields)
	if err != nil {
		return nil, err
	}
	n := &naive{set: s}
	var conditions []*condition
	for _, r := range s.rules {
		conditions = append(conditions, parseCondition(env, fields, nil, &draft{Rule: r.Rule}))
	}
	if env, err = withConstants(env, conditions); err != nil {
		return nil, err
	}
	// A program never calls known; here it is a function of its own, which can be given what is unknown.
	env, err = env.Extend(cel.Macros(cel.GlobalMacro("known", 1, func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		return f.NewCall("naive_known", args[0]), nil
	})), cel.Function("naive_known", cel.Overload("naive_known_any", []*cel.Type{cel.TypeParamType("T")}, cel.BoolType,
		cel.OverloadIsNonStrict(), cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Bool(!types.IsUnknown(v)) }))))
	if err != nil {
		return nil, err
	}
	if env, err = env.Extend(naiveTo...); err != nil {
		return nil, err
	}
	for _, c := range conditions {
		parsed, issues := env.Parse(c.When)
		if issues.Err() != nil {
			return nil, issues.Err()
		}
		checked, issues := env.Check(parsed)
		if issues.Err() != nil {
			return nil, issues.Err()
		}
		program, err := env.Program(checked)
		if err != nil {
			return nil, err
		}
		n.programs = append(n.programs, program)
	}
	return n, nil
}

// decision is what the set says, by the order of outcomes as the manual has it.
func (n *naive) decision(in Input) topics.Decision {
	d := topics.Decision{CommandID: in.id(), RuleSet: n.set.hash}
	if in.Stage() != topics.StageBeforeAuthorization {
		d.Stage = in.Stage()
	}
	asked := map[string][]string{} // reasons by outcome
	for i, r := range n.set.rules {
		if r.Stage != in.Stage() {
			continue
		}
		d.Evaluated++
		result := n.result(i, in)
		if result.Result == topics.RuleMiss {
			continue
		}
		if result.Result == topics.RuleHit {
			d.Score += r.Score
		}
		d.Rules = append(d.Rules, result)
		outcome := string(result.Outcome)
		if outcome == "block" && !r.Overridable {
			outcome = "final"
		}
		if !slices.Contains(asked[outcome], r.Reason) {
			asked[outcome] = append(asked[outcome], r.Reason)
		}
	}
	for _, outcome := range []string{"final", "allow", "block", "hold", "step_up", "pass"} {
		if d.Outcome = topics.Outcome(strings.Replace(outcome, "final", "block", 1)); asked[outcome] != nil {
			d.Reasons = asked[outcome]
			break
		}
	}
	return d
}

// result is what one rule says.
func (n *naive) result(i int, in Input) topics.RuleResult {
	r := &n.set.rules[i]
	result := topics.RuleResult{Rule: r.Name}
	out, _, err := n.programs[i].Eval(naiveInput{n.set, in})
	unknown, _ := out.(*types.Unknown)
	switch {
	case err != nil:
		result.Result, result.Outcome, result.Detail = topics.RuleError, r.OnError, err.Error()
	case unknown != nil:
		result.Result, result.Outcome, result.Detail = topics.RuleMissing, r.onMissing(), trails(unknown)
	case out == types.True:
		result.Result, result.Outcome = topics.RuleHit, r.Outcome
	case out == types.False:
		result.Result = topics.RuleMiss
	}
	return result
}

func trails(u *types.Unknown) string {
	var names []string
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		names = append(names, trails[0].Variable())
	}
	sort.Strings(names)
	return shorten(strings.Join(names, ", "))
}

// naiveInput gives CEL the values of an input.
type naiveInput struct {
	set *Set
	in  Input
}

func (a naiveInput) Parent() cel.Activation { return nil }

func (a naiveInput) ResolveName(name string) (any, bool) {
	if text, ok := strings.CutPrefix(name, moneyPrefix); ok {
		m, err := ledger.ParseMoney(text)
		return naiveMoney{Money: m}, err == nil
	}
	if text, ok := strings.CutPrefix(name, limitPrefix); ok {
		for _, l := range a.set.limits {
			if l.Name == text {
				return naiveLimit{l.Limit}, true
			}
		}
	}
	if text, ok := strings.CutPrefix(name, listPrefix); ok {
		for _, l := range a.set.lists {
			if l.Name == text {
				return naiveList{l, nanoseconds(a.in.Now)}, true
			}
		}
	}
	if text, ok := strings.CutPrefix(name, durationPrefix); ok {
		d, err := parseDuration(text)
		return naiveDuration{types.Int(d / time.Second)}, err == nil
	}
	if name == "@rates" {
		return naiveRates{types.String(name), a.set.rates, a.in.Now}, true
	}
	if answer, ok := strings.CutPrefix(name, velocityPrefix); ok {
		return a.answer(name, answer), true
	}
	for _, f := range Fields() {
		if f.Name == name {
			return a.field(f), true
		}
	}
	return nil, false
}

func (a naiveInput) field(f Field) ref.Val {
	switch f.Type {
	case TypeMoney:
		if minor, currency := f.money(&a.in); minor != nil && *minor != 0 && *currency != "" {
			return naiveMoney{f.Name, ledger.Money{Minor: *minor, Currency: ledger.Currency(*currency)}}
		}
	case TypeDuration:
		if seconds := f.seconds(&a.in); seconds != nil && *seconds != 0 {
			return naiveDuration{types.Int(*seconds)}
		}
	case TypeNumber:
		if n := f.count(&a.in); n != 0 {
			return types.Int(n)
		}
	case TypeTexts:
		values := map[string]ref.Val{}
		if texts := f.texts(&a.in); texts != nil {
			for key, v := range *texts {
				if v != "" {
					values[key] = types.String(v)
				}
			}
		}
		return naiveNames{f.Name, values}
	default:
		if text := f.text(&a.in); text != "" {
			return types.String(text)
		}
	}
	return unknown(f.Name)
}

func (a naiveInput) answer(name, answer string) ref.Val {
	f, ok := a.in.Features[answer]
	if !ok || f.Missing {
		return unknown(name)
	}
	for _, d := range a.set.velocity {
		switch of := velocityField(d); {
		case d.Name != answer:
		case of.Type == TypeMoney:
			return naiveMoney{name, ledger.Money{Minor: f.Value, Currency: d.Currency}}
		case of.Type == TypeDuration:
			return naiveDuration{types.Int(f.Value)}
		}
	}
	return types.Int(f.Value)
}

// naiveDuration is a time in seconds.
type naiveDuration struct{ types.Int }

func (d naiveDuration) Compare(other ref.Val) ref.Val {
	return d.Int.Compare(other.(naiveDuration).Int)
}
func (d naiveDuration) Equal(other ref.Val) ref.Val { return d.Int.Equal(other.(naiveDuration).Int) }
func (d naiveDuration) Type() ref.Type              { return durationType }

// unknown is CEL's value of what is missing. CEL merges unknowns by number.
func unknown(what string) *types.Unknown {
	id := int64(7)
	for _, b := range []byte(what) {
		id = id*1099511628211 + int64(b)
	}
	return types.NewUnknown(id, types.NewAttributeTrail(what))
}

// naiveMoney is an amount; of a field, with its name.
type naiveMoney struct {
	field string
	ledger.Money
}

// naiveLimit is one amount for each of several currencies.
type naiveLimit struct{ Limit }

func (m naiveMoney) Compare(other ref.Val) ref.Val {
	switch o := other.(type) {
	case naiveMoney:
		if m.Currency == o.Currency {
			return types.Int(m.Minor).Compare(types.Int(o.Minor))
		}
		if m.field == "" {
			m, o = o, m
		}
		with := o.String()
		if o.field != "" {
			with = fmt.Sprintf("%s in %s", o.field, o.Currency)
		}
		return unknown(fmt.Sprintf("%s is in %s and compared with %s", m.field, m.Currency, with))
	case naiveLimit:
		for _, text := range o.Amounts {
			if l, err := ledger.ParseMoney(text); err == nil && l.Currency == m.Currency {
				return types.Int(m.Minor).Compare(types.Int(l.Minor))
			}
		}
		return unknown(fmt.Sprintf("limit %q has no amount in %s", o.Name, m.Currency))
	}
	return types.NoSuchOverloadErr()
}

func (m naiveMoney) Add(other ref.Val) ref.Val {
	o, ok := other.(naiveMoney)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	if m.Currency != o.Currency {
		if m.field == "" {
			m, o = o, m
		}
		with := o.String()
		if o.field != "" {
			with = fmt.Sprintf("%s in %s", o.field, o.Currency)
		}
		return unknown(fmt.Sprintf("%s is in %s and added to %s", m.field, m.Currency, with))
	}
	sum := types.Int(m.Minor).Add(types.Int(o.Minor))
	if minor, ok := sum.(types.Int); ok {
		return naiveMoney{"a sum", ledger.Money{Minor: int64(minor), Currency: m.Currency}}
	}
	return sum
}

func (l naiveLimit) Compare(other ref.Val) ref.Val {
	order := other.(naiveMoney).Compare(l)
	if i, ok := order.(types.Int); ok {
		return -i
	}
	return order
}

func same(order ref.Val) ref.Val {
	if i, ok := order.(types.Int); ok {
		return types.Bool(i == 0)
	}
	return order
}

func (m naiveMoney) Equal(other ref.Val) ref.Val { return same(m.Compare(other)) }
func (m naiveMoney) Type() ref.Type              { return moneyType }
func (m naiveMoney) Value() any                  { return m.Money }
func (l naiveLimit) Equal(other ref.Val) ref.Val { return same(l.Compare(other)) }
func (l naiveLimit) Type() ref.Type              { return moneyType }
func (l naiveLimit) Value() any                  { return l.Name }

// naiveNames are values by name; one that is not there is missing, not an error.
type naiveNames struct {
	field  string
	values map[string]ref.Val
}

func (n naiveNames) Find(key ref.Val) (ref.Val, bool) { return n.Get(key), true }

func (n naiveNames) Get(key ref.Val) ref.Val {
	if v, ok := n.values[string(key.(types.String))]; ok {
		return v
	}
	return unknown(fmt.Sprintf(`%s["%s"]`, n.field, key.Value()))
}

func (n naiveNames) Contains(ref.Val) ref.Val    { return types.NoSuchOverloadErr() }
func (n naiveNames) Size() ref.Val               { return types.NoSuchOverloadErr() }
func (n naiveNames) Iterator() traits.Iterator   { return nil }
func (n naiveNames) Equal(other ref.Val) ref.Val { return types.NoSuchOverloadErr() }
func (n naiveNames) Type() ref.Type              { return types.MapType }
func (n naiveNames) Value() any                  { return n.values }

// naiveList is a list at a moment.
type naiveList struct {
	*List
	now int64
}

func (l naiveList) Contains(value ref.Val) ref.Val {
	text := string(value.(types.String))
	address, err := netip.ParseAddr(text)
	if l.Match == MatchNetwork && err != nil {
		return unknown("context.ip as an address")
	}
	short := false
	for _, e := range l.Entries {
		if !e.Expires.IsZero() && e.Expires.UnixNano() <= l.now {
			continue
		}
		var found bool
		switch l.Match {
		case MatchNetwork:
			network, err := netip.ParsePrefix(e.Value)
			if err != nil {
				single := netip.MustParseAddr(e.Value)
				network = netip.PrefixFrom(single, single.BitLen())
			}
			found = network.Contains(address.Unmap())
		case MatchBINPrefix:
			found = strings.HasPrefix(text, e.Value)
			short = short || len(text) >= minBINDigits && len(text) < len(e.Value) && strings.HasPrefix(e.Value, text)
		case MatchIgnoreCase:
			found = strings.EqualFold(e.Value, text)
		default:
			found = e.Value == text
		}
		if found {
			return types.True
		}
	}
	if short {
		return unknown(fmt.Sprintf("card.bin with all digits that list %q needs", l.Name))
	}
	return types.False
}

func (l naiveList) Equal(ref.Val) ref.Val { return types.NoSuchOverloadErr() }
func (l naiveList) Type() ref.Type        { return listType }
func (l naiveList) Value() any            { return l.Name }

func (m naiveMoney) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("no conversion")
}
func (m naiveMoney) ConvertToType(ref.Type) ref.Val { return types.NoSuchOverloadErr() }

func (l naiveLimit) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("no conversion")
}
func (l naiveLimit) ConvertToType(ref.Type) ref.Val { return types.NoSuchOverloadErr() }

func (n naiveNames) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("no conversion")
}
func (n naiveNames) ConvertToType(ref.Type) ref.Val { return types.NoSuchOverloadErr() }

func (l naiveList) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("no conversion")
}
func (l naiveList) ConvertToType(ref.Type) ref.Val { return types.NoSuchOverloadErr() }
