package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/topics"
)

// readBody reads the raw body. One that says it is larger than the limit is refused before anything of it is read; one
// that turns out to be larger closes the connection.
func (c *call) readBody() ([]byte, error) {
	limit := c.api.limits.MaxBody
	if c.request.ContentLength > limit {
		c.writer.Header().Set("Connection", "close") // or the server would read the rest to reuse the connection
		return nil, problemTooLarge(limit)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.writer.ResponseWriter, c.request.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, problemTooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.writer.Header().Set("Connection", "close")
		return nil, &Problem{Status: http.StatusRequestTimeout, Code: "too_slow", Message: "the body did not come in time"}
	case err != nil:
		c.writer.Header().Set("Connection", "close")
		return nil, malformed("", "the body ended before its announced length")
	}
	return body, nil
}

func problemTooLarge(limit int64) *Problem {
	return &Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large",
		Message: fmt.Sprintf("the body has more than %d bytes", limit)}
}

// readJSON reads the body of a write and refuses what is not JSON or holds a card number. No body is the empty object.
func (c *call) readJSON() ([]byte, error) {
	contentType := c.request.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(contentType); contentType != "" && (err != nil || media != "application/json") {
		return nil, &Problem{Status: http.StatusUnsupportedMediaType, Code: "unsupported_type", Message: "send Content-Type: application/json"}
	}
	body, err := c.readBody()
	if err != nil {
		return nil, err
	}
	if topics.FindCardNumber(body) {
		return nil, cardNumber("the body")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return []byte("{}"), nil
	}
	if contentType == "" {
		return nil, &Problem{Status: http.StatusUnsupportedMediaType, Code: "unsupported_type", Message: "send Content-Type: application/json"}
	}
	return body, nil
}

// guardURL refuses a card number in the path or the query, before either is used for anything.
func (c *call) guardURL() error {
	if topics.FindCardNumber([]byte(c.request.URL.Path)) {
		return cardNumber("the path")
	}
	query, err := url.QueryUnescape(c.request.URL.RawQuery)
	if err != nil {
		return malformed("", "the query is not percent-encoded as it should be")
	}
	if topics.FindCardNumber([]byte(query)) {
		return cardNumber("the query")
	}
	return nil
}

func cardNumber(where string) *Problem {
	return &Problem{Status: http.StatusUnprocessableEntity, Code: string(topics.RefusedCardNumber),
		Message: where + " holds a card number; send the token of a vault"}
}

// cardLike refuses an id of the caller's that looks like a card number.
func cardLike(where string) *Problem {
	return &Problem{Status: http.StatusUnprocessableEntity, Code: string(topics.RefusedCardNumber),
		Message: where + " holds digits that look like a card number; put a letter right before a number of 13 to 19 digits, as in o4000000000000000"}
}

func malformed(field, message string) *Problem {
	p := &Problem{Status: http.StatusBadRequest, Code: "malformed", Message: message}
	if field != "" {
		p.Details = &ErrorDetails{Field: field}
	}
	return p
}

// decode reads a body strictly: what topics.UnmarshalOnce refuses, and fields that the document does not have. A misspelt
// field of a payment must not be taken for an absent one.
func decode(body []byte, v any) error {
	if err := topics.UnmarshalOnce(body, v); err != nil {
		var wrong *topics.DecodeError
		if errors.As(err, &wrong) {
			return malformed(wrong.Field, strings.Replace(wrong.Error(), "record: ", "body: ", 1))
		}
		return malformed("", "the body is not a JSON object")
	}
	if _, err := json.Parse(body, v, json.DisallowUnknownFields|json.DontMatchCaseInsensitiveStructFields); err != nil {
		field, right := misspelt(body, reflect.TypeOf(v))
		return malformed(field, fmt.Sprintf("field %q: is not known; %s", field, right))
	}
	return nil
}
