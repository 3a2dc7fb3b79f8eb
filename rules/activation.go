package rules

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/weirhq/weir/ledger"
)

// activation gives CEL the values of one command. A value is boxed when a rule first reads it and kept for the next
// rules; the activation itself is used again for the next command.
type activation struct {
	set     *Set
	in      Input
	now     int64 // Unix nanoseconds
	probing bool  // every field is the probe

	texts    []ref.Val // by field; nil: not read yet
	amount   money
	lists    []*listAt
	metadata *byName
}

func newActivation(s *Set) *activation {
	a := &activation{set: s, texts: make([]ref.Val, len(s.fields))}
	for _, l := range s.lists {
		a.lists = append(a.lists, &listAt{l, &a.now})
	}
	a.metadata = newMetadata(func() map[string]string { return a.in.Command.Metadata })
	return a
}

// begin sets what to evaluate.
func (a *activation) begin(in Input) {
	a.in, a.now = in, 0
	if !in.Now.IsZero() {
		a.now = in.Now.UnixNano()
	}
	clear(a.texts)
}

// end lets go of the command.
func (a *activation) end() { a.in = Input{} }

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	s, ok := a.set.symbols[name]
	if !ok {
		return nil, false
	}
	switch s.kind {
	case symbolConstant:
		return s.value, true
	case symbolList:
		return a.lists[s.index], true
	}
	if a.probing {
		return probe, true
	}
	switch s.kind {
	case symbolAmount:
		if a.in.Command.Currency == "" || a.in.Command.Amount == 0 {
			return a.set.missing[s.index], true
		}
		a.amount = money{ledger.Money{Minor: a.in.Command.Amount, Currency: ledger.Currency(a.in.Command.Currency)}}
		return &a.amount, true
	case symbolNumber:
		if n := a.set.fields[s.index].count(&a.in); n != 0 {
			return types.Int(n), true
		}
		return a.set.missing[s.index], true
	case symbolMetadata:
		return a.metadata, true
	case symbolVelocity:
		return a.answer(s), true
	}
	v := a.texts[s.index]
	if v == nil {
		if text := a.set.fields[s.index].text(&a.in); text != "" {
			v = types.String(text)
		} else {
			v = a.set.missing[s.index]
		}
		a.texts[s.index] = v
	}
	return v, true
}

// answer is what velocity says under a name.
func (a *activation) answer(s symbol) ref.Val {
	d := &a.set.velocity[s.index]
	f, ok := a.in.Features[d.Name]
	if !ok || f.Missing {
		return s.value
	}
	switch velocityField(*d).Type {
	case TypeMoney:
		return &money{ledger.Money{Minor: f.Value, Currency: d.Currency}}
	case TypeDuration:
		return &duration{f.Value}
	}
	return types.Int(f.Value)
}

// Parent implements cel.Activation.
func (a *activation) Parent() cel.Activation { return nil }
