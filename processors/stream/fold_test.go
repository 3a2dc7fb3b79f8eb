package stream

import (
	"log/slog"
	"os"
	"testing"
	"time"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// testLog writes to the test's output where WEIR_TEST_LOG is set.
func testLog(t testing.TB) *slog.Logger {
	if os.Getenv("WEIR_TEST_LOG") == "" {
		return discard()
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestFoldPublishesEachOutputOnce(t *testing.T) {
	b := newBench(t, 3)
	b.sendAdds(50)
	began := time.Now()
	fold, _ := b.start()
	b.settle()
	t.Log("first", time.Since(began))
	b.sendAdds(5000)
	b.settle()
	if err := fold.Ready(); err != nil {
		t.Error(err)
	}
	t.Log("then", time.Since(began))
}

func TestFoldGoesOnAfterARestart(t *testing.T) {
	b := newBench(t, 2)
	for range 3 {
		b.sendAdds(100)
		_, stop := b.start()
		b.settle()
		stop()
	}
	b.sendAdds(100)
	_, stop := b.start()
	stop() // at once
	b.start()
	b.settle()
}
