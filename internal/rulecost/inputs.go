package rulecost

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/backtest"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// maxInputs is how many payments are measured on.
const maxInputs = 200

// Of a history, so many events are read at most: enough for velocity to have something to answer.
const maxEvents = 200_000

// FromHistory takes the last payments of a history, or of its beginning where it is long, with velocity's answers.
func FromHistory(set *rules.Set, history *backtest.Reader) ([]rules.Input, error) {
	replay, err := backtest.New(backtest.Config{Definitions: set.Velocity(), Convert: set.Convert})
	if err != nil {
		return nil, err
	}
	var inputs []rules.Input
	next := 0
	for range maxEvents {
		e, err := history.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = replay.Take(e)
		}
		if err != nil {
			return nil, err
		}
		switch {
		case !e.Attempt():
		case len(inputs) < maxInputs:
			inputs = append(inputs, kept(&e.Input))
		default:
			inputs[next] = kept(&e.Input)
			next = (next + 1) % maxInputs
		}
	}
	if len(inputs) == 0 {
		return nil, errors.New("there is no payment in the history")
	}
	return inputs, nil
}

// kept is an input that does not change with the next event.
func kept(in *rules.Input) rules.Input {
	command, card, around, found, bin := *in.Command, *in.Command.Card, *in.Command.Context, *in.Enrichment, *in.Enrichment.BIN
	command.Card, command.Context, command.Metadata, found.BIN = &card, &around, maps.Clone(command.Metadata), &bin
	return rules.Input{Command: &command, Enrichment: &found, Answers: slices.Clone(in.Answers), Now: in.Now}
}

// madeUp is the share of fields that a payment has, in percent.
const madeUp = 80

// MadeUp makes payments up: each has most of the fields, with the examples of the manual, amounts up to 1,000.00 EUR, and
// velocity answers that are mostly small. They are the same each time.
func MadeUp(set *rules.Set) ([]rules.Input, error) {
	random := rand.New(rand.NewPCG(1, 2))
	inputs := make([]rules.Input, maxInputs)
	for i := range inputs {
		in := &inputs[i]
		in.Command = &topics.Command{CommandID: fmt.Sprintf("made-up-%d", i), Type: topics.CommandCreate, Tenant: "default",
			CustomerID: fmt.Sprintf("cus_%d", i%97), Amount: 1 + random.Int64N(100_000), Currency: "EUR",
			Card: &topics.Card{}, Context: &topics.Context{}}
		in.Enrichment, in.Now = &topics.Enrichment{BIN: &topics.BIN{}}, time.UnixMilli(1_772_323_200_000).Add(time.Duration(i)*time.Minute)
		for _, f := range rules.FieldsAt(topics.StageBeforeAuthorization) {
			set, err := rules.Setter(topics.StageBeforeAuthorization, f.Name)
			if err != nil || f.Type == rules.TypeMoney || f.Required || random.IntN(100) >= madeUp {
				continue // worked out from others, or set above, or missing
			}
			if err := set(in, f.Example); err != nil {
				return nil, err
			}
		}
		in.Features = map[string]topics.Feature{}
		for _, d := range set.Velocity() {
			in.Features[d.Name] = topics.Feature{Value: answer(random, &d), Missing: random.IntN(100) >= madeUp}
		}
	}
	return inputs, nil
}

// answer makes an answer up: an amount, a number of seconds, or a small number.
func answer(random *rand.Rand, d *velocity.Definition) int64 {
	switch d.Aggregate {
	case velocity.Sum, velocity.Max:
		return random.Int64N(500_000)
	case velocity.SinceFirst, velocity.SinceLast:
		return random.Int64N(int64(d.Window / time.Second))
	}
	return random.Int64N(random.Int64N(20) + 1)
}
