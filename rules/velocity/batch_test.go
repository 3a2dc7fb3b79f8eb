package velocity

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// A batch is folded as its frames are one by one: to the same replies, in the same order, and to the same state.
func TestBatchesAreTheirFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, true)
		w.reload()
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			w.event(3)
		}
		retain := w.plan.Retain()
		batched, single := NewState(w.limits), NewState(w.limits)
		batched.Retain(w.now, &retain)
		single.Retain(w.now, &retain)
		got, want := map[int32][]byte{}, map[int32][]byte{}
		var batches Batches
		for left := w.sent; len(left) > 0; {
			n := rapid.IntRange(1, len(left)).Draw(t, "batch")
			var batch []byte
			for i := range left[:n] {
				frame := left[i].Append(nil)
				batch = AppendFrame(batch, frame)
				output, ok, err := single.Apply(w.now, frame)
				if err != nil {
					t.Fatal(err)
				}
				if ok {
					want[output.Partition] = append(want[output.Partition], output.Value...)
				}
			}
			left = left[n:]
			outputs, err := batches.Apply(batched, w.now, batch)
			if err != nil {
				t.Fatal(err)
			}
			for _, output := range outputs {
				if err := EachFrame(output.Value, func(frame []byte) error {
					got[output.Partition] = append(got[output.Partition], frame...)
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !maps.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("replies %x, want %x", got, want)
		}
		if one, other := changelog(batched), changelog(single); !maps.EqualFunc(one, other, bytes.Equal) {
			t.Fatalf("state %x, want %x", one, other)
		}
	})
}

// Of a batch with a frame that is none, nothing is folded.
func TestBrokenBatches(t *testing.T) {
	signal := someSignal()
	frame := signal.Append(nil)
	whole := AppendFrame(AppendFrame(nil, frame), frame)
	for name, test := range map[string]struct {
		record []byte
		want   string
	}{
		"cut":        {whole[:len(whole)-1], "velocity frame: byte 188: frame: the frame ends; 1 bytes are missing"},
		"no signal":  {AppendFrame(AppendFrame(nil, frame), []byte{format, 'x'}), `velocity frame: byte 1: type: is 'x', want 's'`},
		"in a batch": {AppendFrame(nil, whole), `velocity frame: byte 1: type: is 'b', want 's'`},
	} {
		state := NewState(Limits{})
		outputs, err := new(Batches).Apply(state, 1000, test.record)
		var malformed *FrameError
		if !errors.As(err, &malformed) || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
		if len(outputs) > 0 || state.changes.any {
			t.Errorf("%s: something is folded", name)
		}
	}
	if _, err := new(Batches).Apply(NewState(Limits{}), 1000, AppendFrame(nil, []byte{format + 1, 's'})); !errors.Is(err, ErrFutureFormat) {
		t.Errorf("a frame of a newer release: %v", err)
	}
}
