package lifecycle

import (
	"time"

	"github.com/weirhq/weir/topics"
)

// Terms are what few payments have: what was asked for beyond an authorisation and its captures, and what came of it.
type Terms struct {
	CaptureDelaySeconds int64 // after the authorisation, of an automatic capture; 0: together with it
	// CaptureAt is when the delayed capture is asked for; zero once a capture or a void is asked for, or the PSP has made one.
	CaptureAt time.Time
	// OverCapture is how much more than is authorised the last capture may take, minor units; 0: none.
	OverCapture int64
	Descriptor  string // on the card's statement; "": the PSP's own
}

// threeDSVersion is that of the authentication, "" where none is known.
func (p *Payment) threeDSVersion() string {
	if p.Authentication == nil {
		return ""
	}
	return p.Authentication.ThreeDSVersion
}

// together says that the capture is asked for in the same call as the authorisation, unless a review stands between.
func (p *Payment) together() bool { return p.automatic() && p.Terms.CaptureDelaySeconds == 0 }

// delayed is when a capture is asked for of what a report approves, nil where none is delayed.
func (d *decision) delayed(r *topics.PSPReport, late bool) *time.Time {
	if d.p.Terms.CaptureDelaySeconds == 0 || late || r.Captured {
		return nil
	}
	at := d.now.Add(time.Duration(d.p.Terms.CaptureDelaySeconds) * time.Second)
	return &at
}

// captureAt is when a delayed capture is due, zero where none is, where a review has not let it pass, or while an increment is waited for.
func (p *Payment) captureAt(limits *Limits) time.Time {
	if p.Terms.CaptureAt.IsZero() || p.Review.open() || p.Status() != topics.StatusAuthorized || p.raising(limits) {
		return zeroTime
	}
	return p.Terms.CaptureAt
}

func (d *decision) captureDelayed() {
	if !d.p.captureAt(d.limits).IsZero() {
		d.follow(topics.EventCaptureRequested, d.p.Capturable(), topics.RequestData{})
	}
}

// capturesMost bounds how often an automatic capture is asked for.
const capturesMost = 10

// captureFailed ends the capture. Nobody looks whether one that is automatic comes: where it provably was not performed it is asked
// for again, for as long as the authorisation lasts. Each takes as long as a request may take to be sent, which paces them.
func (d *decision) captureFailed() {
	refused := d.failed != topics.DeclineNotPerformed && !d.unsent()
	d.fact(topics.EventCaptureFailed, d.op.Amount)
	if refused || !d.p.automatic() || d.p.over() || d.p.Review.open() {
		return
	}
	asked := 0
	for i := range d.p.Operations {
		if d.p.Operations[i].Kind == topics.OperationCapture {
			asked++
		}
	}
	left := d.p.Capturable()
	switch {
	case left == 0:
	case asked < capturesMost && left == d.op.Amount && d.now.Before(d.p.ExpiresAt):
		d.follow(topics.EventCaptureRequested, left, topics.RequestData{})
	default:
		d.openCase(topics.RefusedNotCaptured, left, "the capture, which weir asks for by itself, was not performed; requests: %d", asked)
	}
}

const (
	termDelay uint64 = 1 << iota
	termCaptureAt
	termOverCapture
	termDescriptor
)

// terms writes which there are, and then those.
func (e *encoder) terms(t *Terms) {
	e.uint(flag(t.CaptureDelaySeconds != 0, termDelay) | flag(!t.CaptureAt.IsZero(), termCaptureAt) | flag(t.OverCapture != 0, termOverCapture) |
		flag(t.Descriptor != "", termDescriptor))
	if t.CaptureDelaySeconds != 0 {
		e.int(t.CaptureDelaySeconds)
	}
	if !t.CaptureAt.IsZero() {
		e.time(t.CaptureAt)
	}
	if t.OverCapture != 0 {
		e.int(t.OverCapture)
	}
	if t.Descriptor != "" {
		e.str(t.Descriptor)
	}
}

func (d *decoder) terms() (t Terms) {
	which := d.uint()
	if which&termDelay != 0 {
		t.CaptureDelaySeconds = d.int()
	}
	if which&termCaptureAt != 0 {
		t.CaptureAt = d.time()
	}
	if which&termOverCapture != 0 {
		t.OverCapture = d.int()
	}
	if which&termDescriptor != 0 {
		t.Descriptor = d.str()
	}
	return t
}
