import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** A V2 request by Java's own HTTP client. It offers HTTP/2 over plain connections by an upgrade, which is declined. */
public final class Infer {
  public static void main(String[] arguments) throws Exception {
    var client = HttpClient.newHttpClient();
    var body = """
        {"inputs":[{"name":"input-0","datatype":"FP64","shape":[2,4],"data":[5.1,3.5,1.4,0.2,6.7,3.0,5.2,2.3]}]}""";
    var uri = URI.create("http://127.0.0.1:" + arguments[0] + "/v2/models/iris-lr/infer");
    for (var version : HttpClient.Version.values()) {
      var request = HttpRequest.newBuilder(uri).version(version)
          .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build();
      var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() != 200) throw new IllegalStateException(version + ": " + answer.body());
      if (version == HttpClient.Version.HTTP_2) System.out.println(answer.body());
    }
  }
}
