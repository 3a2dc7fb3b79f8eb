package lifecycle_test

import (
	"errors"
	"testing"

	"github.com/weirhq/weir/processors/payments/lifecycle"
)

// FuzzDecode: damaged state is an error, never a panic, and what decodes is stored as it was.
func FuzzDecode(f *testing.F) {
	w := newWorld(nil)
	for _, line := range []string{
		"command create 100.00 EUR authorize capture=automatic reference=order-1 return=https://shop.example/back",
		"psp response authorize approved 100.00 EUR captured eci=05", "command refund 60.00 EUR", "psp response refund unknown", "timer",
		"psp webhook refund approved 50.00 EUR", "psp webhook refund approved 10.00 EUR request=none object=re_1", "command create 100.00 EUR authorize decision=hold reviews payment=p2", "command approve payment=p2",
		"psp response authorize approved 100.00 EUR avs=N payment=p2", "timer payment=p2",
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
