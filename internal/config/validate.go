package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"
	"golang.org/x/mod/sumdb/note"

	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/topics"
)

// validate checks the values of a decoded configuration: the tags of each key, then what keys ask of each other.
func (d *decoder) validate(c *Config, roles bool) {
	err := newValidator().Struct(c)
	var wrong validator.ValidationErrors
	switch {
	case errors.As(err, &wrong):
		for _, f := range wrong {
			d.fail(pathOf(f), "%s", complaint(f))
		}
	case err != nil:
		d.errs = append(d.errs, err)
	}
	if len(d.errs) == 0 {
		d.together(c)
		if roles {
			d.roles(c)
		}
	}
}

// together checks what keys ask of each other.
func (d *decoder) together(c *Config) {
	tls := c.Kafka.TLS
	if !tls.Enabled && (tls.CA != "" || tls.Certificate != "" || tls.Key != "") {
		d.fail("kafka.tls.enabled", "is false, and certificates are given; want true")
	}
	if least := c.API.Wait + c.API.ProduceWithin; c.API.Idempotency.TakeOverAfter < least {
		d.fail("api.idempotency.take_over_after", "is shorter than api.wait and api.produce_within together; want at least %s", formatDuration(least))
	}
	if c.API.Idempotency.Keep < c.Payments.DedupHorizon {
		d.fail("api.idempotency.keep", "is shorter than payments.dedup_horizon; want at least %s", formatDuration(c.Payments.DedupHorizon))
	}
	if c.Database.URL != "" && c.Database.Password != "" {
		if u, err := url.Parse(string(c.Database.URL)); err == nil && u.User.Username() == "" {
			d.fail("database.password", "is set, and the URL names no user")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.PSP)) {
		p := c.PSP[name]
		d.psp("psp."+name, &p)
	}
	if _, ok := c.PSP[c.Payments.PSP]; !ok && c.Payments.PSP != "" {
		d.fail("payments.psp", "is the name of no provider below psp; there are: %s", strings.Join(slices.Sorted(maps.Keys(c.PSP)), ", "))
	}
}

// roles checks what the roles that this process runs cannot do without.
func (d *decoder) roles(c *Config) {
	if c.Runs("api") && len(c.API.Keys) == 0 {
		d.fail("api.keys", "is empty: nobody could call the API; want at least one name, tenant and key")
	}
	switch {
	case len(c.PSP) == 0 && (c.Runs("payments") || c.Runs("psp") || c.Runs("webhooks")):
		d.fail("psp", "is empty: there is no provider to send payments to; want psp.<name>.base_url and what belongs to it")
	case c.Payments.PSP == "" && c.Runs("payments"):
		d.fail("payments.psp", "is missing, and there are several providers; want one of their names")
	}
}

func newValidator() *validator.Validate {
	v := topics.NewValidator()
	v.RegisterTagNameFunc(func(field reflect.StructField) string { return field.Tag.Get("key") })
	pspName := regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
	label := regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)
	for tag, check := range map[string]func(string) bool{
		"psp_name": pspName.MatchString,
		"label":    label.MatchString,
		"hostport": isHostPort,
		"dsn":      isDSN,
		"customer_master": func(s string) bool {
			_, err := customerkeys.ParseMaster(s)
			return err == nil
		},
		"note_signer": func(s string) bool {
			_, err := note.NewSigner(s)
			return err == nil
		},
		"statement_descriptor": func(s string) bool { return topics.InvalidDescriptor(s) == "" },
		"path":                 func(s string) bool { return !strings.ContainsRune(s, 0) },
	} {
		// A failure here is a mistake in the tag's name: no input reaches it.
		if err := v.RegisterValidation(tag, func(f validator.FieldLevel) bool { return check(f.Field().String()) }); err != nil {
			panic(err)
		}
	}
	return v
}

func isHostPort(s string) bool {
	_, port, err := net.SplitHostPort(s)
	n, portErr := strconv.ParseUint(port, 10, 16)
	return err == nil && portErr == nil && strconv.FormatUint(n, 10) == port
}

func isDSN(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") && u.Host != ""
}

// pathOf turns Config.psp[acme].base_url into psp.acme.base_url.
func pathOf(f validator.FieldError) string {
	_, path, _ := strings.Cut(f.Namespace(), ".")
	return strings.NewReplacer("[", ".", "]", "").Replace(path)
}

// complaint says what is wrong with a value and what would be right. It quotes no value: it may be a secret.
func complaint(f validator.FieldError) string {
	switch f.Tag() {
	case "required", "required_with":
		return "is missing"
	case "oneof":
		return "want one of " + strings.ReplaceAll(f.Param(), " ", ", ")
	case "unique":
		return "holds the same value twice"
	case "statement_descriptor":
		return "want 5 to 22 Latin characters, a letter at least, none of < > \\ ' \" *, and no space at either end"
	case "psp_name":
		return "want a name of a-z, 0-9, - and _ that begins with a letter"
	case "label":
		return "want 1 to 64 letters, digits, '.', '_', ':' or '-'"
	case "hostname_port":
		return "want host:port"
	case "hostport":
		return "want host:port, such as 127.0.0.1:8080 or :8080"
	case "http_url":
		return "want a URL that begins with http:// or https://"
	case "dsn":
		return "want postgres://user@host:26257/database"
	case "customer_master":
		return "is not a master key as weir customers keygen prints it"
	case "note_signer":
		return "is not a private key as weir ledger keygen prints it"
	case "file":
		return "is not the path of a file"
	case "gte", "gtefield":
		return "is too small; want " + bound(f) + " or more"
	case "lte":
		return "is too large; want " + bound(f) + " or less"
	case "ltfield":
		return "is too large; want less than " + bound(f)
	case "ne":
		return "want another value than " + f.Param()
	case "max":
		return "is too long; want at most " + f.Param() + " characters"
	case "min":
		return "is too short; want at least " + f.Param() + " characters"
	}
	return fmt.Sprintf("does not satisfy %s %s", f.Tag(), f.Param())
}

func bound(f validator.FieldError) string {
	if strings.HasSuffix(f.Tag(), "field") {
		field, ok := reflect.TypeFor[Payments]().FieldByName(f.Param())
		if !ok {
			field, _ = reflect.TypeFor[Stream]().FieldByName(f.Param())
		}
		return field.Tag.Get("key")
	}
	if d, err := parseDuration(f.Param()); err == nil && f.Type() == reflect.TypeFor[time.Duration]() {
		return formatDuration(d)
	}
	return f.Param()
}
