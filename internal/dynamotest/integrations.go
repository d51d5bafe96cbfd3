package dynamotest

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// checkIntegrations holds integrations against the rows of their tokens and the counter. A
// delivery that was under way when its integration was deleted stays until its time to live.
func (c *Contents) checkIntegrations() {
	named := map[string]int64{} // by the token's hash
	for id, i := range c.Integrations {
		if id != 1 && (i.Num("version") < 1 || id > c.Counters["integration"]) || i.Text("name") == "" || i.Text("kind") == "" {
			c.problem("integration %d is called %q, of the kind %q, and has the version %d; the counter is at %d", id, i.Text("name"), i.Text("kind"), i.Num("version"), c.Counters["integration"])
		}
		tokens, _ := i["tokens"].(*types.AttributeValueMemberL)
		if (tokens == nil) != (id == 1) {
			c.problem("integration %d has the tokens %v", id, i["tokens"])
			continue
		}
		if tokens == nil {
			continue
		}
		for n, v := range tokens.Value {
			t := Attributes(v.(*types.AttributeValueMemberM).Value)
			if t.Has("valid_until") != (n > 0) || n > 1 {
				c.problem("token %d of integration %d works until %d", n+1, id, t.Num("valid_until"))
			}
			named[t.Text("hash")] = id
			if c.Tokens[t.Text("hash")] != id {
				c.problem("token %d of integration %d is integration %d's", n+1, id, c.Tokens[t.Text("hash")])
			}
		}
	}
	for hash, id := range c.Tokens {
		if named[hash] != id {
			c.problem("a token is integration %d's, which does not know it", id)
		}
	}
}
