package faulttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// diskBytes is the size of the disk: enough for an empty database and little more.
const diskBytes = 160 << 20

// fullRefusals is how many payments are tried on the full disk.
const fullRefusals = 8

// TestFullDisk lets the disk run full under load, and then gives it room again. While it is full the engine refuses or
// stops; it never acknowledges what it then loses. When there is room it goes on, by itself or when it is started again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=755", diskBytes)); errors.Is(err, syscall.EPERM) {
		t.Skip("left out: mounting a small disk takes root")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	d := &disk{listen: freeAddress(t), ballast: filepath.Join(dir, "ballast"), http: &http.Client{Timeout: patience}, status: map[string]string{}}
	d.file = configuration(t, dir, d.listen, "")
	d.listenAt(t)
	p := start(t, "run", "--config", d.file)
	p.ready(t, "http://"+d.listen)
	for range 20 {
		d.pay(t)
		d.credit(t)
	}
	if len(d.status) != 20 || d.credited != 20 {
		t.Fatalf("%d of 20 payments and %d of 20 credits are acknowledged while there is room", len(d.status), d.credited)
	}
	d.fill(t)
	deadline := time.Now().Add(patience)
	refused := 0
	for p.running() && refused < fullRefusals && time.Now().Before(deadline) {
		if !d.pay(t) {
			refused++
		}
		d.credit(t)
		d.fill(t)
	}
	t.Logf("%d payments acknowledged, %d refused; %d credits acknowledged, %d not; running: %t", len(d.status), refused, d.credited, d.unsure, p.running())
	if p.running() && refused == 0 {
		t.Error("nothing was refused on a full disk")
	}
	if err := os.Remove(d.ballast); err != nil {
		t.Fatal(err)
	}
	// It goes on by itself, or has ended, or does so when it is started again. One whose broker has halted may still look ready,
	// but takes no payment.
	goesOn := false
	for recovered := time.Now().Add(patience); !goesOn && p.running() && time.Now().Before(recovered); {
		if goesOn = probe(t.Context(), "http://"+d.listen+"/readyz") == http.StatusOK && d.pay(t); !goesOn {
			time.Sleep(lookHow)
		}
	}
	if !goesOn {
		if p.running() && strings.Contains(p.output.String(), "failed to persist control batch") {
			t.Errorf("runs although its broker has halted:\n%s", p.output)
		}
		t.Log("started again")
		p.stop(t)
		p = start(t, "run", "--config", d.file)
		p.ready(t, "http://"+d.listen)
		wait(t, "a payment to be taken", func() bool { return d.pay(t) }, p.output.String)
	}
	for id, status := range d.status {
		wait(t, id+" to be what was acknowledged", func() bool { return d.read(t, id) == status }, func() string { return d.read(t, id) })
	}
	held := int64(-1)
	wait(t, "the wallet to hold what was acknowledged, and no more than was asked", func() bool {
		held = d.held(t)
		return held >= d.credited && held <= d.credited+d.unsure
	}, func() string { return fmt.Sprint(held) })
	d.check(t, "fsck")
	p.stop(t)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("ends with %d:\n%s", code, p.output)
	}
	d.check(t, "fsck")
	d.check(t, "ledger", "verify")
	if strings.Contains(p.output.String(), "panic:") {
		t.Errorf("panics:\n%s", p.output)
	}
}

type disk struct {
	listen, file, ballast string
	http                  *http.Client
	status                map[string]string // of what was acknowledged, by payment
	credited, unsure      int64             // credits of one cent to one wallet: acknowledged, and not
}

// pay sends a payment and tells whether it was acknowledged. Anything but an answer that says so is a refusal.
func (d *disk) pay(t *testing.T) bool {
	a := d.post(t, "/v1/intents", fmt.Sprintf(
		`{"amount":1050,"currency":"EUR","authorize":true,"capture_method":"automatic","description":%q,"card":{"token":"tok_approved"}}`, strings.Repeat("x", 200)))
	if a == nil {
		return false
	}
	d.status[a.ID] = a.Status
	return true
}

// credit gives one wallet a cent.
func (d *disk) credit(t *testing.T) {
	if d.post(t, "/v1/wallets/saver/credits", fmt.Sprintf(`{"amount":1,"currency":"EUR","reason":"bonus","description":%q}`, strings.Repeat("x", 200))) != nil {
		d.credited++
	} else {
		d.unsure++
	}
}

// held is what the wallet has, -1 where nobody says.
func (d *disk) held(t *testing.T) int64 {
	var shown struct {
		Balances []struct {
			Available int64 `json:"available"`
		} `json:"balances"`
	}
	a, err := d.get(t, "/v1/wallets/saver")
	if err != nil || json.Unmarshal(a.body, &shown) != nil || len(shown.Balances) != 1 {
		return -1
	}
	return shown.Balances[0].Available
}

// post sends a request and returns its answer, nil where that is not an acknowledgement.
func (d *disk) post(t *testing.T, path, body string) *answer {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.listen+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+tenantKey)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", newID())
	a, err := d.do(request)
	if err != nil || a.status >= 300 {
		if err == nil && (a.status != http.StatusServiceUnavailable || a.Error != "unavailable" || a.header.Get("Retry-After") == "") {
			t.Errorf("on a full disk: %s; want 503 unavailable with Retry-After", a)
		}
		return nil
	}
	if a.status == http.StatusAccepted {
		return nil // durable, and later decided; it is not known now what it will be
	}
	return a
}

func (d *disk) get(t *testing.T, path string) (*answer, error) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.listen+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+tenantKey)
	return d.do(request)
}

func (d *disk) read(t *testing.T, id string) string {
	a, err := d.get(t, "/v1/intents/"+id)
	if err != nil {
		return err.Error()
	}
	if a.status != http.StatusOK {
		return a.String()
	}
	return a.Status
}

func (d *disk) do(request *http.Request) (*answer, error) {
	response, err := d.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	a := &answer{status: response.StatusCode, body: body, header: response.Header}
	return a, json.Unmarshal(body, a)
}

// fill takes all the room that is left.
func (d *disk) fill(t *testing.T) {
	file, err := os.OpenFile(d.ballast, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, size := range []int{1 << 20, 4 << 10} {
		for err == nil {
			_, err = file.Write(bytes.Repeat([]byte{1}, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
}

// listenAt gives the embedded broker a port that the checks beside it find.
func (d *disk) listenAt(t *testing.T) {
	text, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, d.file, strings.Replace(string(text), "kafka: {embedded_port: 0", "kafka: {embedded_port: "+port, 1))
}

func (d *disk) check(t *testing.T, command ...string) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, append(command, "--config", d.file)...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
}
