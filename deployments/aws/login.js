// Who may see the playground: the browser's own login, over TLS. Only the sha256 of the header it sends is known here.
import crypto from 'crypto';

const LOGIN = '${PlaygroundLogin}';

function handler(event) {
  const request = event.request;
  const sent = request.headers.authorization ? request.headers.authorization.value : '';
  if (crypto.createHash('sha256').update(sent).digest('hex') === LOGIN) {
    delete request.headers.authorization;
    return request;
  }
  return {
    statusCode: 401,
    statusDescription: 'Unauthorized',
    headers: { 'www-authenticate': { value: 'Basic realm="Pricewright", charset="UTF-8"' } },
  };
}
