%% Regular expressions: compiled and not, captures, replacing, splitting, a scan of a text.
-module(b_re).
-export([run/0]).

run() ->
    Line = <<"192.168.17.4 - - [12/Mar/2024:10:11:12 +0100] \"GET /some/path?a=1 HTTP/1.1\" 200 5120 \"-\" \"agent/1.0\"">>,
    {ok, Log} = re:compile("^(\\S+) \\S+ \\S+ \\[([^\\]]+)\\] \"(\\w+) (\\S+) [^\"]*\" (\\d+) (\\d+)"),
    Text = binary:copy(<<"The quick brown fox jumps over the lazy dog; mail to someone@example.com or other.one@test.org. ">>, 2000),
    {ok, Mail} = re:compile("[a-z.]+@[a-z]+\\.(?:com|org)"),
    {lines(350000, Line, Log, 0),
     lists:sum([mails(Text, Mail) || _ <- lists:seq(1, 20)]),
     byte_size(iolist_to_binary(re:replace(Text, "o[a-z]", "<&>", [global]))),
     length(re:split(binary:part(Text, 0, 40000), "[ ;.]+"))}.

lines(0, _, _, Sum) -> Sum;
lines(N, Line, Log, Sum) ->
    {match, [_, _, _, Path, _, Size]} = re:run(Line, Log, [{capture, all_but_first, binary}]),
    lines(N - 1, Line, Log, Sum + byte_size(Path) + binary_to_integer(Size)).

mails(Text, Mail) ->
    {match, Found} = re:run(Text, Mail, [global]),
    length(Found).
