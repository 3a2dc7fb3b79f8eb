package reference

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/weirhq/weir/topics"
)

// object is a YAML mapping that keeps its order.
type object = yaml.MapSlice

func entry(key string, value any) yaml.MapItem { return yaml.MapItem{Key: key, Value: value} }

// asyncAPI is the AsyncAPI 3.0 document of the catalogue.
func asyncAPI() ([]byte, error) {
	catalogue := topics.Catalogue()
	channels, messages, operations := object{}, object{}, object{}
	seen := map[string]bool{}
	for _, topic := range catalogue {
		channels = append(channels, entry(channelName(topic), channel(topic)))
		for i, kind := range topic.Types {
			if name := messageName(kind); !seen[name] {
				seen[name] = true
				messages = append(messages, entry(name, message(kind, valueOf(topic, i))))
			}
		}
		operations = append(operations, operationsOf(topic)...)
	}
	document := object{
		entry("asyncapi", "3.0.0"),
		entry("info", object{
			entry("title", "weir"),
			entry("version", "1"),
			entry("description", "The Kafka topics of weir, as its roles see them: they send to a channel what they write, and receive what they read. "+
				"Topics marked x-public are the contract with producers and consumers outside weir; the others may change. "+evolution),
		}),
		entry("defaultContentType", "application/json"),
		entry("channels", channels),
		entry("operations", operations),
		entry("components", object{
			entry("messages", messages),
			entry("schemas", object{entry("envelope", envelopeSchema())}),
		}),
	}
	data, err := yaml.MarshalWithOptions(document, yaml.IndentSequence(true), yaml.UseSingleQuote(false))
	if err != nil {
		return nil, fmt.Errorf("AsyncAPI document: %w", err)
	}
	return append([]byte("# Generated from topics.Catalogue; do not edit.\n"), data...), nil
}

func channelName(t topics.Topic) string { return strings.ReplaceAll(t.Name, ".", "-") }

func messageName(kind string) string {
	return strings.ReplaceAll(strings.TrimPrefix(kind, "weir."), ".", "-")
}

func valueOf(t topics.Topic, i int) any {
	if len(t.Values) != 0 {
		return t.Values[i]
	}
	return t.Value
}

func channel(t topics.Topic) object {
	messages := object{}
	for _, kind := range t.Types {
		messages = append(messages, entry(messageName(kind), reference("/components/messages/"+messageName(kind))))
	}
	configuration := object{entry("cleanup.policy", []string{"delete"}), entry("retention.ms", retention(t))}
	if t.Compacted {
		configuration = object{entry("cleanup.policy", []string{"compact"})}
	}
	c := object{
		entry("address", t.Name),
		entry("description", t.Purpose+" Key: "+t.Key+"."),
		entry("messages", messages),
		entry("bindings", object{entry("kafka", object{
			entry("topic", t.Name), entry("topicConfiguration", configuration), entry("bindingVersion", "0.5.0")})}),
		entry("x-public", t.Public),
	}
	if t.DeadLetters != "" {
		c = append(c, entry("x-dead-letters", t.DeadLetters))
	}
	return c
}

func retention(t topics.Topic) int64 {
	if t.Retention == 0 {
		return -1
	}
	return t.Retention.Milliseconds()
}

func reference(path string) object { return object{entry("$ref", "#"+path)} }

func message(kind string, value any) object {
	m := object{
		entry("name", kind),
		entry("headers", reference("/components/schemas/envelope")),
	}
	if value == nil {
		return append(m, entry("contentType", "application/octet-stream"), entry("payload", object{entry("description", "Bytes that are not JSON of ours.")}))
	}
	return append(m, entry("payload", object{
		entry("schemaFormat", "application/schema+json;version=draft-2020-12"),
		entry("schema", object{entry("$ref", "./schemas/"+schemaFile(reflect.TypeOf(value).Name()))}),
	}))
}

// operationsOf are what our own roles do with a topic; producers, downstream readers and operators are outside.
func operationsOf(t topics.Topic) object {
	outside := []string{"producers", "downstream", "operators"}
	operations := object{}
	for _, side := range []struct {
		roles  []string
		action string
	}{{t.Writers, "send"}, {t.Readers, "receive"}} {
		for _, role := range side.roles {
			if slices.Contains(outside, role) {
				continue
			}
			operations = append(operations, entry(role+"-"+side.action+"s-"+channelName(t), object{
				entry("action", side.action), entry("channel", reference("/channels/"+channelName(t)))}))
		}
	}
	return operations
}

func envelopeSchema() object {
	text := func(description string) object {
		return object{entry("type", "string"), entry("description", description)}
	}
	return object{
		entry("type", "object"),
		entry("description", "CloudEvents 1.0 in binary mode. Records of producers may leave all of it out."),
		entry("properties", object{
			entry(topics.HeaderSpecVersion, object{entry("const", "1.0")}),
			entry(topics.HeaderID, text("Unique within the source.")),
			entry(topics.HeaderSource, text("The role that wrote the record, such as weir/payments.")),
			entry(topics.HeaderType, text("The kind of record.")),
			entry(topics.HeaderSubject, text("The payment, where there is one.")),
			entry(topics.HeaderTime, object{entry("type", "string"), entry("format", "date-time")}),
			entry(topics.HeaderTenant, text("The brand.")),
			entry(topics.HeaderRegion, text("Where the data belongs.")),
			entry(topics.HeaderTraceID, text("Goes from the first request through to the last topic.")),
			entry(topics.HeaderContentType, text("Of the value.")),
		}),
	}
}
