package config

import (
	"fmt"
	"strings"
)

// Markdown is the reference of all keys.
func Markdown() string {
	var b strings.Builder
	b.WriteString(`<!-- Generated from internal/config by make generate; do not edit. -->

# Configuration

Every key has a default: weir starts without a configuration, with an embedded broker, an embedded database and a
sandbox for payments. Settings come from, each overriding the one before:

1. the defaults below,
2. a YAML file: ` + "`--config FILE`, else `$WEIR_CONFIG`, else `weir.yaml`" + ` in the working directory where it exists,
3. the environment: ` + "`WEIR_`" + ` and the key in capitals, with ` + "`__`" + ` for each point. ` + "`api.listen` is `WEIR_API__LISTEN`" + `.
   Lists are separated by commas; members of a list of objects are numbered: ` + "`WEIR_API__KEYS__0__TENANT`" + `.
   ` + "`WEIR_BROKERS` and `WEIR_DATABASE_URL`" + ` are short for ` + "`kafka.brokers` and `database.url`" + `. Variables that Kubernetes
   sets for a service called weir (` + "`WEIR_SERVICE_…`, `WEIR_PORT…`" + `) are no settings,
4. flags.

A key that does not exist or a value that cannot be stops the start; the message says where it stands, what is wrong and
what would be right. ` + "`weir config`" + ` checks a configuration and prints what is in effect, secrets masked.

A secret is best kept out of the file: in the environment, or in a file of its own that the key with ` + "`_file`" + ` behind it
names. Durations have a unit (` + "`100ms`, `30s`, `15m`, `12h`, `7d`" + `), sizes may have one (` + "`256KiB`, `4MiB`" + `).
`)
	section := "-"
	for _, key := range Keys() {
		name, _, nested := strings.Cut(key.Path, ".")
		if !nested {
			name = ""
		}
		if name != section {
			section = name
			title := "`" + section + "`"
			if section == "" {
				title = "General"
			}
			fmt.Fprintf(&b, "\n## %s\n\n| key | type | default | |\n|---|---|---|---|\n", title)
		}
		standard := ""
		if key.Default != "" {
			standard = "`" + key.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", key.Path, key.Type, standard, key.Doc)
	}
	return b.String()
}
