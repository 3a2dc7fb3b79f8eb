package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/weirhq/weir/topics"
)

// call is one request on its way through the API.
type call struct {
	api       *API
	writer    *statusWriter
	request   *http.Request
	pattern   string
	key       *apiKey // nil on public routes
	traceID   string
	paymentID string // for the log
	commandID string // for the log
}

// errGone says that the client did not take the answer; there is nobody left to tell.
var errGone = errors.New("the client is gone")

func gone(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

// serve wraps a route: trace id, API key, rate limit, error body, panic, metrics and the request log. The log names the
// route and never the path, the query or the body: a card number could stand in them.
func (a *API) serve(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		began := time.Now()
		c := &call{api: a, writer: &statusWriter{ResponseWriter: w}, request: request, pattern: r.pattern}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				c.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
			c.finish(time.Since(began))
		}()
		if err := c.run(r); err != nil {
			c.fail(err)
		}
	})
}

func (c *call) run(r route) error {
	err := c.readTrace()
	c.writer.Header().Set(headerTrace, c.traceID)
	if err != nil {
		return err
	}
	if !r.public {
		key, err := c.api.keys.authenticate(c.request.Header)
		if err != nil {
			return err
		}
		c.key = key
		if wait := key.take(c.api.now()); wait > 0 {
			return &Problem{Status: http.StatusTooManyRequests, Code: "rate_limited",
				Message: "the rate limit of this API key is reached", RetryAfter: wait}
		}
		if r.review {
			if err := key.mayApprove(); err != nil {
				return err
			}
		}
	}
	if err := c.guardURL(); err != nil {
		return err
	}
	return r.handle(c)
}

// reply writes a JSON answer.
func (c *call) reply(status int, v any) error {
	body, err := topics.Marshal(v)
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	return c.send(status, append(body, '\n'))
}

func (c *call) send(status int, body []byte) error {
	return c.sendAs("application/json", status, body)
}

func (c *call) sendAs(contentType string, status int, body []byte) error {
	c.writer.Header().Set("Content-Type", contentType)
	c.writer.WriteHeader(status)
	_, err := c.writer.Write(body)
	return gone(err)
}

// fail answers with an error. What is not a Problem is a fault of ours: the client gets the trace id, the log the rest.
func (c *call) fail(err error) {
	if errors.Is(err, errGone) {
		c.api.log.Debug("answer not taken", "trace_id", c.traceID, "error", err)
		return
	}
	problem := problemOf(err)
	if problem.Status >= http.StatusInternalServerError {
		c.api.log.Error("request failed", "route", c.pattern, "trace_id", c.traceID, "error", err)
	}
	if c.writer.status != 0 {
		return // too late for another answer
	}
	if problem.RetryAfter > 0 {
		seconds := (problem.RetryAfter + time.Second - 1) / time.Second
		c.writer.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	if problem.Status == http.StatusUnauthorized && c.pattern != webhookPattern {
		c.writer.Header().Set("WWW-Authenticate", "Bearer")
	}
	if err := c.reply(problem.Status, problem.body(c.traceID)); err != nil {
		c.api.log.Debug("error not taken", "trace_id", c.traceID, "error", err)
	}
}

func (c *call) finish(took time.Duration) {
	method := c.request.Method
	c.api.metrics.observe(c.pattern, method, c.writer.status, took)
	attributes := []slog.Attr{
		slog.String("route", c.pattern), slog.Int("status", c.writer.status),
		slog.Int64("duration_us", took.Microseconds()), slog.String("trace_id", c.traceID),
	}
	if c.key != nil {
		attributes = append(attributes, slog.String("tenant", c.key.Tenant), slog.String("key", c.key.Name))
	}
	if c.paymentID != "" {
		attributes = append(attributes, slog.String("payment_id", c.paymentID))
	}
	if c.commandID != "" {
		attributes = append(attributes, slog.String("command_id", c.commandID))
	}
	level := slog.LevelInfo
	if c.key == nil && method == http.MethodGet {
		level = slog.LevelDebug // probes, scrapes
	}
	c.api.log.LogAttrs(context.Background(), level, "request", attributes...)
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController and http.MaxBytesReader reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
