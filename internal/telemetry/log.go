// Package telemetry makes the logger and the metrics that every role is given.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"
)

// Formats of a log.
const (
	FormatAuto = "auto" // text on a terminal, JSON elsewhere
	FormatJSON = "json"
	FormatText = "text" // for people: what has several lines follows its record, indented
)

// NewLogger returns a logger that writes to w, in JSON one record a line, and masks card numbers: none should ever reach it,
// and it is the last place where one that does can be stopped.
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case FormatAuto:
		if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
			return slog.New(Redact(newTextHandler(w, options))), nil
		}
		return slog.New(Redact(slog.NewJSONHandler(w, options))), nil
	case FormatJSON:
		return slog.New(Redact(slog.NewJSONHandler(w, options))), nil
	case FormatText:
		return slog.New(Redact(newTextHandler(w, options))), nil
	}
	return nil, fmt.Errorf("log format %q: want %s", format, strings.Join([]string{FormatAuto, FormatJSON, FormatText}, ", "))
}
