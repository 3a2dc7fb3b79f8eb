package topics

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The headers of an envelope: CloudEvents 1.0, Kafka protocol binding, binary content mode.
const (
	HeaderSpecVersion = "ce_specversion"
	HeaderID          = "ce_id"
	HeaderSource      = "ce_source"
	HeaderType        = "ce_type"
	HeaderSubject     = "ce_subject"
	HeaderTime        = "ce_time"
	HeaderTenant      = "ce_tenant"
	HeaderRegion      = "ce_region"
	HeaderTraceID     = "ce_traceid"
	HeaderContentType = "content-type"
)

const (
	specVersion     = "1.0"
	contentTypeJSON = "application/json"
	// MaxHeaderBytes bounds the value of each envelope header.
	MaxHeaderBytes = 1024
)

// Headers renders the envelope. Attributes that are empty are left out, except the four that CloudEvents requires.
func (e Envelope) Headers() []Header {
	contentType := e.ContentType
	if contentType == "" {
		contentType = contentTypeJSON
	}
	const timeBytes = len(time.RFC3339Nano)
	// One buffer holds all values: an output is published with up to ten of them.
	buffer := make([]byte, 0, len(specVersion)+len(e.ID)+len(e.Source)+len(e.Type)+len(e.Subject)+len(e.Tenant)+
		len(e.Region)+len(e.TraceID)+len(contentType)+timeBytes)
	headers := make([]Header, 0, 10)
	add := func(key, value string) {
		start := len(buffer)
		buffer = append(buffer, value...)
		headers = append(headers, Header{key, buffer[start:len(buffer):len(buffer)]})
	}
	add(HeaderSpecVersion, specVersion)
	add(HeaderID, e.ID)
	add(HeaderSource, e.Source)
	add(HeaderType, e.Type)
	for _, optional := range [...]struct{ key, value string }{
		{HeaderSubject, e.Subject}, {HeaderTenant, e.Tenant}, {HeaderRegion, e.Region}, {HeaderTraceID, e.TraceID},
	} {
		if optional.value != "" {
			add(optional.key, optional.value)
		}
	}
	if !e.Time.IsZero() {
		start := len(buffer)
		buffer = e.Time.UTC().AppendFormat(buffer, time.RFC3339Nano)
		headers = append(headers, Header{HeaderTime, buffer[start:len(buffer):len(buffer)]})
	}
	add(HeaderContentType, contentType)
	return headers
}

// ParseEnvelope reads what Headers wrote. Headers that are not an envelope's are ignored. A record without any ce_
// header has no envelope, which is not an error: the zero Envelope is returned, and a plain producer's command is
// then understood from its value alone. A record with some must have specversion 1.0, id, source and type.
func ParseEnvelope(headers []Header) (Envelope, error) {
	var e Envelope
	version, found := "", false
	for _, h := range headers {
		var attribute *string
		switch h.Key {
		case HeaderSpecVersion:
			attribute = &version
		case HeaderID:
			attribute = &e.ID
		case HeaderSource:
			attribute = &e.Source
		case HeaderType:
			attribute = &e.Type
		case HeaderSubject:
			attribute = &e.Subject
		case HeaderTenant:
			attribute = &e.Tenant
		case HeaderRegion:
			attribute = &e.Region
		case HeaderTraceID:
			attribute = &e.TraceID
		case HeaderContentType:
			attribute = &e.ContentType
		case HeaderTime:
			at, err := time.Parse(time.RFC3339Nano, string(h.Value[:min(len(h.Value), MaxHeaderBytes)]))
			if err != nil {
				return Envelope{}, fmt.Errorf("header %s: want an RFC 3339 time, such as 2026-01-31T09:30:00Z", HeaderTime)
			}
			e.Time, found = at.UTC(), true
			continue
		default:
			continue
		}
		if len(h.Value) > MaxHeaderBytes || !utf8.Valid(h.Value) {
			return Envelope{}, fmt.Errorf("header %s: want UTF-8 of at most %d bytes", h.Key, MaxHeaderBytes)
		}
		*attribute = string(h.Value)
		found = found || h.Key != HeaderContentType
	}
	if strings.HasPrefix(e.ContentType, "application/cloudevents") {
		return Envelope{}, fmt.Errorf("header %s: structured mode is not read; send the record as the value and the envelope as ce_ headers", HeaderContentType)
	}
	if !found {
		return e, nil
	}
	if version != specVersion {
		return Envelope{}, fmt.Errorf("header %s: got %.16q, want %q", HeaderSpecVersion, version, specVersion)
	}
	for _, required := range [...]struct{ key, value string }{{HeaderID, e.ID}, {HeaderSource, e.Source}, {HeaderType, e.Type}} {
		if required.value == "" {
			return Envelope{}, fmt.Errorf("header %s: is missing; CloudEvents requires it", required.key)
		}
	}
	return e, nil
}
