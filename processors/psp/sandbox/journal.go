package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/segmentio/encoding/json"
)

// A journal that has grown past twice its live part and this many bytes is rewritten.
const compactAbove = 64 << 20

// syncEvery is how often the journal is forced to the disk.
const syncEvery = time.Second

const journalName = "sandbox.journal"

// journal keeps payments in a file of JSON lines; the last line of a payment is its state.
//
// A line is written before the answer that it is about. A crash of the process leaves at most a torn last line, which
// was not answered and is cut off at the next start. A crash of the machine may lose the last syncEvery: this is a
// provider of test payments, and an engine that asks again is told that nothing was performed.
type journal struct {
	path string

	mu   sync.Mutex
	file *os.File
	size int64
	line []byte
}

// openJournal replays the journal in dir, calling replay for each line in order with the payment and the line's length.
func openJournal(dir string, replay func(*payment, int)) (*journal, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	j := &journal{path: filepath.Join(dir, journalName)}
	file, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	if j.size, err = replayLines(file, replay); err == nil {
		err = file.Truncate(j.size)
	}
	if err == nil {
		_, err = file.Seek(j.size, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: journal %s: %w", j.path, err), file.Close())
	}
	j.file = file
	return j, nil
}

// replayLines reads whole lines and returns where the last of them ends.
func replayLines(r io.Reader, replay func(*payment, int)) (end int64, err error) {
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return end, nil // a torn line is cut off
		}
		if err != nil {
			return end, err
		}
		p := new(payment)
		if err := json.Unmarshal(line, p); err != nil {
			return end, fmt.Errorf("line at byte %d: %w", end, err)
		}
		if p.ID == "" || len(p.Operations) == 0 {
			return end, fmt.Errorf("line at byte %d: not a payment", end)
		}
		replay(p, len(line))
		end += int64(len(line))
	}
}

// append writes the payment's line and returns its length in bytes. On an error nothing is written.
func (j *journal) append(p *payment) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	if j.line, err = json.Append(j.line[:0], p, 0); err != nil {
		return 0, fmt.Errorf("sandbox: journal: %w", err)
	}
	j.line = append(j.line, '\n')
	n, err := j.file.Write(j.line)
	if err != nil {
		if n > 0 { // a half-written line must not stand before the next one
			_, seekErr := j.file.Seek(j.size, io.SeekStart)
			err = errors.Join(err, j.file.Truncate(j.size), seekErr)
		}
		return 0, fmt.Errorf("sandbox: journal: %w", err)
	}
	j.size += int64(n)
	return n, nil
}

// rewrite replaces the file by one line for each payment. A crash before the rename leaves the old file, one after it
// the new file; either holds every payment.
func (j *journal) rewrite(each func(yield func(*payment) error) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	file, err := os.CreateTemp(filepath.Dir(j.path), journalName+".*")
	if err != nil {
		return fmt.Errorf("sandbox: journal: %w", err)
	}
	out, size := bufio.NewWriterSize(file, 1<<20), int64(0)
	err = each(func(p *payment) error {
		line, err := json.Append(j.line[:0], p, 0)
		if err != nil {
			return err
		}
		j.line = append(line, '\n')
		size += int64(len(j.line))
		_, err = out.Write(j.line)
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(file.Name(), j.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("sandbox: journal: %w", err), file.Close(), os.Remove(file.Name()))
	}
	old := j.file
	j.file, j.size = file, size
	return old.Close()
}

func (j *journal) sync() error {
	j.mu.Lock()
	file := j.file
	j.mu.Unlock()
	if err := file.Sync(); err != nil && !errors.Is(err, os.ErrClosed) { // closed: it was rewritten, and synced then
		return fmt.Errorf("sandbox: journal: %w", err)
	}
	return nil
}

func (j *journal) close() error {
	return errors.Join(j.file.Sync(), j.file.Close())
}
