package api

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/weirhq/weir/topics"
)

const (
	headerTrace   = "X-Trace-Id"
	headerParent  = "Traceparent"
	maxTraceBytes = 64
)

// readTrace finds the request's trace id: X-Trace-Id, else that of a W3C traceparent, else a new one. An X-Trace-Id that
// cannot be one is an error, because its sender will look for it; a traceparent that cannot is ignored, as W3C asks.
func (c *call) readTrace() error {
	given := c.request.Header.Get(headerTrace)
	switch {
	case given == "":
		c.traceID = traceOfParent(c.request.Header.Get(headerParent))
	case topics.FindCardNumber([]byte(given)):
		c.traceID = newTrace()
		return cardLike("header X-Trace-Id")
	case !validTrace(given):
		c.traceID = newTrace()
		return &Problem{Status: http.StatusBadRequest, Code: "malformed", Details: &ErrorDetails{Field: headerTrace},
			Message: "X-Trace-Id: want 1 to 64 letters, digits, '.', '_' or '-'"}
	default:
		c.traceID = given
	}
	if c.traceID == "" {
		c.traceID = newTrace()
	}
	return nil
}

func validTrace(s string) bool {
	for i := range len(s) {
		b := s[i]
		if !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '.' || b == '_' || b == '-') {
			return false
		}
	}
	return s != "" && len(s) <= maxTraceBytes
}

// traceOfParent reads the trace id of a traceparent (version-traceid-parentid-flags), "" where there is none.
func traceOfParent(parent string) string {
	parts := strings.Split(parent, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || parts[0] == "ff" || strings.ToLower(parts[1]) != parts[1] {
		return ""
	}
	id, err := hex.DecodeString(parts[1])
	if err != nil || strings.Trim(parts[1], "0") == "" || len(id) != 16 {
		return ""
	}
	return parts[1]
}

func newTrace() string {
	var id [16]byte
	rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}
