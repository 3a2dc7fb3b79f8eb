package lifecycle_test

import (
	"errors"
	"testing"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// FuzzDecode: damaged state is an error, never a panic, and what decodes is stored as it was.
func FuzzDecode(f *testing.F) {
	w := newWorld(nil)
	for _, line := range []string{
		"command create 100.00 EUR authorize capture=automatic reference=order-1 return=https://shop.example/back",
		"psp response authorize approved 100.00 EUR captured eci=05", "command refund 60.00 EUR", "psp response refund unknown", "timer",
		"psp webhook refund approved 50.00 EUR", "psp webhook refund approved 10.00 EUR request=none object=re_1", "command create 100.00 EUR authorize decision=hold reviews payment=p2", "command approve payment=p2",
		"psp response authorize approved 100.00 EUR avs=N payment=p2", "timer payment=p2",
		"command create 10.00 EUR authorize capture=automatic delay=2h setup=recurring payment=p3", "psp response authorize approved 10.00 EUR payment=p3",
		"command increment 5.00 EUR payment=p3", "command create 10.00 EUR authorize by=p3 payment=p4",
		"command create 10.00 EUR authorize method=crypto name=btc payment=p5", "psp response authorize requires_action pay-to=bc1qexample ref=inv_1 payment=p5",
		"psp webhook authorize approved 4.00 EUR ref=inv_1 payment=p5", "psp webhook authorize approved 12.00 EUR ref=inv_1 payment=p5",
	} {
		if _, err := w.do(line); err != nil {
			f.Fatal(err)
		}
		for _, p := range w.payments {
			f.Add(p.Append(nil))
		}
	}
	key := w.payments["p1"].Key()
	f.Fuzz(func(t *testing.T, state []byte) {
		p, err := lifecycle.Decode(key, state)
		if err != nil {
			return
		}
		again, err := lifecycle.Decode(key, p.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if string(again.Append(nil)) != string(p.Append(nil)) {
			t.Fatalf("%+v\n%+v", p, again)
		}
	})
}

func TestStateOfANewerRelease(t *testing.T) {
	if _, err := lifecycle.Decode(lifecycle.Key{}, []byte{lifecycle.Format + 1, 0}); !errors.Is(err, lifecycle.ErrFutureFormat) {
		t.Fatalf("%v, want ErrFutureFormat", err)
	}
}

// TestFormatOfTheStoredForm: an older release reads what it has room for, and refuses what it would misread.
func TestFormatOfTheStoredForm(t *testing.T) {
	for name, c := range map[string]struct {
		want byte
		p    lifecycle.Payment
	}{
		"a card payment":      {1, lifecycle.Payment{}},
		"a review":            {2, lifecycle.Payment{Review: lifecycle.ReviewWanted}},
		"a plan":              {3, lifecycle.Payment{Routing: &lifecycle.Routing{Plan: &topics.RoutePlan{}}}},
		"unasked":             {4, lifecycle.Payment{Unasked: []lifecycle.Unasked{{Kind: topics.OperationVoid}}}},
		"a plan for later":    {5, lifecycle.Payment{Routing: &lifecycle.Routing{Plan: &topics.RoutePlan{Later: []topics.RouteCandidate{{PSP: "acme"}}}}}},
		"an increment":        {5, lifecycle.Payment{Operations: []lifecycle.Operation{{Kind: topics.OperationIncrement, Total: 1}}}},
		"terms":               {5, lifecycle.Payment{Terms: lifecycle.Terms{CaptureDelaySeconds: 60}}},
		"an over-capture":     {5, lifecycle.Payment{Terms: lifecycle.Terms{OverCapture: 20}}},
		"a descriptor":        {5, lifecycle.Payment{Terms: lifecycle.Terms{Descriptor: "ACME SHOES"}}},
		"another method":      {5, lifecycle.Payment{Method: lifecycle.Method{Type: topics.MethodQR}}},
		"a link":              {5, lifecycle.Payment{Link: uuid.Must(uuid.NewV7())}},
		"a mandate":           {5, lifecycle.Payment{Mandate: &lifecycle.Mandate{}}},
		"by a mandate":        {5, lifecycle.Payment{Recurring: &lifecycle.Recurring{}}},
		"a dispute":           {5, lifecycle.Payment{Disputing: 1}},
		"what a dispute took": {5, lifecycle.Payment{Disputed: 1}},
	} {
		if state := c.p.Append(nil); state[0] != c.want {
			t.Errorf("%s: format %d, want %d", name, state[0], c.want)
		}
	}
}
